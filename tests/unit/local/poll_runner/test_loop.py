"""The poll runner's loop: what is handled, what is committed, what is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import CommitFailedError

from tests.support.log_lines import log_of
from tests.support.polled import P0, P1, record
from tests.support.scripted_consumer import ScriptedConsumer, runner_of, succeed

if TYPE_CHECKING:
    import pytest
    from kafka.structs import TopicPartition


def test_success_commits_exactly_the_records_of_the_batch() -> None:
    consumer = ScriptedConsumer({P0: [record(5), record(6)], P1: [record(1, P1)]})
    assert runner_of(consumer, succeed).run_once()
    assert consumer.commits == [{P0: 7, P1: 2}]
    assert consumer.seeks == []


def test_an_exception_commits_nothing_and_goes_back_to_the_first_records() -> None:
    def broken(_event: dict[str, Any], _context: Any) -> None:
        message = "the database is gone"
        raise ConnectionError(message)

    consumer = ScriptedConsumer({P0: [record(5), record(6)]}, {})
    runner = runner_of(consumer, broken)
    assert runner.run_once()
    assert consumer.commits == []
    assert consumer.seeks == [(P0, 5)]
    assert not runner.run_once()
    assert consumer.held == {P0}


def test_a_partial_failure_commits_up_to_it_and_holds_only_its_partition() -> None:
    item = {"itemIdentifier": {"partition": "coupon_create-0", "offset": 6}}
    consumer = ScriptedConsumer(
        {P0: [record(5), record(6), record(7)], P1: [record(1, P1)]}, {P1: [record(2, P1)]}
    )
    results = iter([{"batchItemFailures": [item]}, None])
    runner = runner_of(consumer, lambda _event, _context: next(results))
    runner.run_once()
    assert consumer.commits == [{P0: 6, P1: 2}]
    assert consumer.seeks == [(P0, 6)]
    runner.run_once()
    assert consumer.held == {P0}
    assert consumer.commits[1:] == [{P1: 3}]


def test_a_failure_of_the_very_first_record_commits_nothing_of_its_partition() -> None:
    item = {"itemIdentifier": {"partition": "coupon_create-0", "offset": 5}}
    consumer = ScriptedConsumer({P0: [record(5), record(6)]})
    runner_of(consumer, lambda _event, _context: {"batchItemFailures": [item]}).run_once()
    assert consumer.commits == []
    assert consumer.seeks == [(P0, 5)]


def test_a_commit_that_a_rebalance_refused_is_made_up_for_if_the_partition_stays() -> None:
    consumer = ScriptedConsumer({P0: [record(5)]}, {})
    consumer.commit_errors = [CommitFailedError()]
    runner = runner_of(consumer, succeed)
    runner.run_once()
    assert consumer.commits == []
    runner.run_once()
    assert consumer.commits == [{P0: 6}]


def test_offsets_of_a_revoked_partition_are_never_committed() -> None:
    consumer = ScriptedConsumer({P0: [record(5)]}, {}, {})
    consumer.commit_errors = [CommitFailedError()]
    runner = runner_of(consumer, succeed)
    runner.run_once()
    consumer.assigned = {P1}
    runner.run_once()
    consumer.assigned = {P0, P1}
    runner.run_once()
    assert consumer.commits == []


def test_records_whose_partition_is_revoked_while_the_window_is_open_are_not_handled() -> None:
    handled: list[dict[str, Any]] = []

    def rebalance() -> dict[TopicPartition, list[Any]]:
        consumer.assigned = {P1}
        return {P1: [record(1, P1)]}

    consumer = ScriptedConsumer({P0: [record(5)]}, rebalance)
    options = {"batch_window_ms": 60_000, "batch_size": 2}
    runner = runner_of(consumer, lambda event, _: handled.append(event), **options)
    consumer.polls.append({P1: [record(2, P1)]})
    runner.run_once()
    assert list(handled[0]["records"]) == ["coupon_create-1"]
    assert consumer.commits == [{P1: 3}]


def test_a_batch_waits_for_its_window_until_it_is_full() -> None:
    sizes: list[int] = []
    consumer = ScriptedConsumer(
        {P0: [record(5)]}, {}, {P0: [record(6)]}, {P0: [record(7)]}, {P0: [record(8)]}
    )
    options = {"batch_window_ms": 60_000, "batch_size": 3}
    runner = runner_of(
        consumer, lambda event, _: sizes.append(len(event["records"]["coupon_create-0"])), **options
    )
    runner.run_once()
    assert sizes == [3]
    assert consumer.commits == [{P0: 8}]


def test_one_line_is_logged_for_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    runner_of(ScriptedConsumer({P0: [record(5), record(6)]}), succeed).run_once()
    (line,) = [line for line in log_of(capsys) if line["message"] == "batch"]
    assert line["result"] == "success"
    assert line["records"] == 2
    assert line["partitions"] == {"coupon_create-0": [5, 6]}
    assert line["duration_ms"] >= 0
    assert line["request_id"]


def test_every_invocation_has_a_context_and_a_deadline_of_its_own() -> None:
    contexts: list[Any] = []
    consumer = ScriptedConsumer({P0: [record(5)]}, {P0: [record(6)]})
    runner = runner_of(consumer, lambda _, context: contexts.append(context), timeout_s=60)
    runner.run_once()
    runner.run_once()
    assert contexts[0].aws_request_id != contexts[1].aws_request_id
    assert 59_000 < contexts[1].get_remaining_time_in_millis() <= 60_000


def test_a_handler_over_its_time_is_reported_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    runner_of(ScriptedConsumer({P0: [record(5)]}), succeed, timeout_s=0).run_once()
    (line,) = [line for line in log_of(capsys) if line["message"] == "batch"]
    assert line["timeout_s_exceeded"] == 0
    assert line["level"] == "WARNING"
