"""A poll runner whose broker is down, slow or refuses; when it ends by itself; its options."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from local.poll_runner import loop as poll_loop
from local.poll_runner.loop import PollRunner
from local.poll_runner.options import PollOptions
from local.poll_runner.run import main
from tests.support.log_lines import log_of
from tests.support.polled import P0, SERVERS, record
from tests.support.scripted_consumer import ScriptedConsumer, runner_of, succeed


def test_records_collected_before_an_outage_are_handled_though_the_window_is_open() -> None:
    handled: list[dict[str, Any]] = []
    consumer = ScriptedConsumer({P0: [record(5)]}, KafkaTimeoutError("gone"))
    options = {"batch_window_ms": 60_000}
    assert runner_of(consumer, lambda event, _: handled.append(event), **options).run_once()
    assert len(handled) == 1
    assert consumer.commits == [{P0: 6}]


def test_a_commit_that_an_outage_swallowed_is_logged_and_made_up_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    consumer = ScriptedConsumer({P0: [record(5)]}, {})
    consumer.commit_errors = [KafkaTimeoutError("gone")]
    runner = runner_of(consumer, succeed)
    assert runner.run_once()
    messages = [line["message"] for line in log_of(capsys)]
    assert messages[-2:] == ["Kafka is out of reach", "batch"]
    runner.run_once()
    assert consumer.commits == [{P0: 6}]


def test_an_outage_is_logged_once_and_its_end_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll_loop, "CONNECT_RETRY_S", 0)
    monkeypatch.setattr(poll_loop, "PROBE_INTERVAL_S", 0)
    consumer = ScriptedConsumer(KafkaTimeoutError("gone"), KafkaTimeoutError("gone"), {}, {})
    runner = runner_of(consumer, succeed)
    for _ in range(4):
        assert not runner.run_once()
    messages = [line["message"] for line in log_of(capsys)]
    assert messages.count("Kafka is out of reach") == 1
    assert messages.count("Kafka is back") == 1


def test_a_quiet_runner_notices_an_outage_by_asking(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll_loop, "CONNECT_RETRY_S", 0)
    consumer = ScriptedConsumer({})
    consumer.probe_error = KafkaTimeoutError("gone")
    runner_of(consumer, succeed).run_once()
    assert "Kafka is out of reach" in [line["message"] for line in log_of(capsys)]


def test_a_broker_that_is_not_there_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll_loop, "CONNECT_RETRY_S", 0)
    consumer = ScriptedConsumer({P0: [record(5)]})
    outcomes: list[Any] = [KafkaTimeoutError("no broker"), consumer]

    def connect() -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    runner = PollRunner(connect, succeed, PollOptions("coupon_create", SERVERS, batch_window_ms=0))
    assert not runner.run_once()
    assert runner.run_once()


def test_a_refusal_that_no_retry_helps_ends_the_run_and_leaves_the_group() -> None:
    consumer = ScriptedConsumer(TopicAuthorizationFailedError("coupon_create"))
    with pytest.raises(TopicAuthorizationFailedError):
        runner_of(consumer, succeed).run()
    assert consumer.closed


def test_a_runner_ends_after_nothing_came_for_the_given_time() -> None:
    handled: list[Any] = []
    consumer = ScriptedConsumer({}, {P0: [record(5)]})
    runner_of(consumer, lambda event, _: handled.append(event), idle_exit_s=0.01).run()
    assert consumer.closed


def test_records_that_still_fail_keep_a_runner_from_ending_as_idle() -> None:
    calls: list[Any] = []

    def broken(event: dict[str, Any], _: Any) -> None:
        calls.append(event)
        if len(calls) == 1:
            message = "not yet"
            raise RuntimeError(message)

    polls: list[Any] = [{P0: [record(5)]}, {}, {}, {P0: [record(5)]}]
    consumer = ScriptedConsumer(*polls)
    runner_of(consumer, broken, idle_exit_s=0.001).run()
    assert len(calls) == 2
    assert consumer.commits == [{P0: 6}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--batch-size", "0"],
        ["--batch-size", "10001"],
        ["--batch-window-ms", "300001"],
        ["--timeout-s", "901"],
        ["--session-timeout-ms", "5999"],
        ["--source", "kinesis"],
    ],
)
def test_options_beyond_lambdas_limits_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_a_missing_setting_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STAGE", raising=False)
    assert main([]) == 2
    assert "STAGE is not set" in capsys.readouterr().err
