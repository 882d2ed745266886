"""The parts of the poll runner that need no broker, and its answers to Kafka's troubles."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CommitFailedError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.structs import MemberState, TopicPartition

from local.poll_runner import main
from local.poller import loop as poll_loop
from local.poller.backoff import DELAY_MAX_S, DELAY_MIN_S, Backoff
from local.poller.batch import Batch, MalformedAnswerError, lowest_failures
from local.poller.kafka_event import Source, encoded_size, kafka_event
from local.poller.loop import PollRunner
from local.poller.options import PollOptions

EVENTS = Path(__file__).parent.parent / "events"
SERVERS = ("b-1.example.com:9092", "b-2.example.com:9092")
P0, P1 = TopicPartition("coupon_create", 0), TopicPartition("coupon_create", 1)


def record(offset: int, partition: TopicPartition = P0, value: bytes | None = b"v") -> Any:
    return SimpleNamespace(
        topic=partition.topic,
        partition=partition.partition,
        offset=offset,
        timestamp=1,
        timestamp_type=0,
        key=b"42",
        value=value,
        headers=[],
    )


def batch_of(*offsets: int, also: tuple[int, ...] = ()) -> Batch:
    batch = Batch(records_max=100, bytes_max=1_000_000)
    batch.add({P0: [record(offset) for offset in offsets]})
    if also:
        batch.add({P1: [record(offset, P1) for offset in also]})
    return batch


def failures(*items: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": item} for item in items]}


# --- the event ---


def as_polled(record: dict[str, Any]) -> Any:
    """Turn a record of a fixture into what kafka-python polls."""
    return SimpleNamespace(
        topic=record["topic"],
        partition=record["partition"],
        offset=record["offset"],
        timestamp=record["timestamp"],
        timestamp_type={"CREATE_TIME": 0, "LOG_APPEND_TIME": 1}[record["timestampType"]],
        key=None if record["key"] is None else b64decode(record["key"]),
        value=None if record["value"] is None else b64decode(record["value"]),
        headers=[
            (name, bytes(byte & 0xFF for byte in value))
            for header in record["headers"]
            for name, value in header.items()
        ],
    )


@pytest.mark.parametrize(
    ("fixture", "source"),
    [("kafka_msk.json", Source.MSK), ("kafka_self_managed.json", Source.SELF_MANAGED)],
)
def test_the_event_is_field_by_field_the_documented_one(fixture: str, source: Source) -> None:
    expected = json.loads((EVENTS / fixture).read_text("utf-8"))
    polled: dict[TopicPartition, list[Any]] = {}
    for name, records in expected["records"].items():
        topic, _, number = name.rpartition("-")
        polled[TopicPartition(topic, int(number))] = [as_polled(item) for item in records]
    assert kafka_event(polled, SERVERS, source) == expected


def test_header_bytes_are_signed_and_a_header_without_value_is_empty() -> None:
    polled = record(0)
    polled.headers = [("all", bytes(range(256))), ("none", None)]
    event = kafka_event({P0: [polled]}, SERVERS, Source.MSK)
    (signed,), (empty,) = (
        header.values() for header in event["records"]["coupon_create-0"][0]["headers"]
    )
    assert signed == [*range(128), *range(-128, 0)]
    assert empty == []


@given(
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(
        st.tuples(
            st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=20),
            st.none() | st.binary(max_size=50),
        ),
        max_size=5,
    ),
)
def test_the_estimated_size_is_never_below_the_real_one(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    polled = record(10**18, value=value)
    polled.key, polled.headers, polled.timestamp = key, headers, 10**13
    event = kafka_event({P0: [polled]}, SERVERS, Source.MSK)
    real = len(json.dumps(event["records"]["coupon_create-0"][0]))
    assert encoded_size(polled) >= real


# --- the batch ---


def test_a_batch_takes_no_more_records_than_its_size_and_names_the_first_left() -> None:
    batch = Batch(records_max=3, bytes_max=1_000_000)
    left = batch.add({P0: [record(5), record(6)], P1: [record(1, P1), record(2, P1)]})
    assert left == {P1: 2}
    assert len(batch) == 3
    assert batch.first_offsets() == {P0: 5, P1: 1}
    assert batch.next_offsets() == {P0: 7, P1: 2}


def test_a_batch_ends_at_its_bytes_but_always_takes_one_record() -> None:
    large = record(0, value=b"x" * 2000)
    batch = Batch(records_max=100, bytes_max=1000)
    assert batch.add({P0: [large, record(1)]}) == {P0: 1}
    assert batch.next_offsets() == {P0: 1}


def test_a_batch_has_room_for_as_many_records_as_will_probably_fit() -> None:
    size = encoded_size(record(0))
    batch = Batch(records_max=100, bytes_max=10 * size, record_bytes=size)
    assert batch.room == 9
    assert batch.add({P0: [record(offset) for offset in range(9)]}) == {}
    assert batch.room == 0


def test_one_large_record_does_not_make_the_next_batches_small_for_ever() -> None:
    large = record(0, value=b"x" * 50_000)
    batch = Batch(records_max=100, bytes_max=100_000, record_bytes=encoded_size(large))
    assert batch.room == 1
    batch.add({P0: [record(1)]})
    assert batch.room == 99


def test_records_of_a_partition_that_came_back_replace_those_collected_before() -> None:
    batch = batch_of(5, 6, 7)
    batch.add({P0: [record(6), record(7), record(8)]})
    assert [item.offset for item in batch.records[P0]] == [5, 6, 7, 8]
    assert len(batch) == 4


def test_a_batch_forgets_partitions_that_went_to_others() -> None:
    batch = batch_of(5, 6, also=(1,))
    batch.keep_only({P1})
    assert batch.first_offsets() == {P1: 1}
    assert len(batch) == 1


# --- the answer ---


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_an_answer_without_failures_is_success(answer: Any) -> None:
    assert lowest_failures(answer, batch_of(5)) == {}


def test_the_lowest_failure_of_each_partition_counts() -> None:
    answer = failures(
        {"partition": "coupon_create-0", "offset": 7},
        {"partition": "coupon_create-0", "offset": 6},
        {"partition": "coupon_create-1", "offset": 1},
    )
    assert lowest_failures(answer, batch_of(5, 6, 7, also=(1, 2))) == {P0: 6, P1: 1}


@pytest.mark.parametrize(
    "answer",
    [
        "ok",
        [],
        {"batchItemFailures": {}},
        {"batchItemFailures": "coupon_create-0"},
        {"batchItemFailures": [None]},
        {"batchItemFailures": [{}]},
        failures(""),
        failures(None),
        failures("coupon_create-0"),
        failures({"partition": "coupon_create-9", "offset": 5}),
        failures({"partition": "", "offset": 5}),
        failures({"partition": None, "offset": 5}),
        failures({"partition": [], "offset": 5}),
        failures({"partition": "coupon_create-0", "offset": None}),
        failures({"partition": "coupon_create-0", "offset": "5"}),
        failures({"partition": "coupon_create-0", "offset": True}),
        failures({"partition": "coupon_create-0", "offset": 4}),
        failures({"partition": "coupon_create-0"}),
        failures({"partition": "coupon_create-0", "offset": 5}, ""),
    ],
)
def test_a_failure_that_names_no_record_of_the_batch_fails_it_whole(answer: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        lowest_failures(answer, batch_of(5))


# --- the waits ---


def test_waits_grow_with_each_failure_within_their_bounds() -> None:
    backoff = Backoff(clock=lambda: 0.0)
    delays = [backoff.failed(P0) for _ in range(50)]
    assert delays[0] == DELAY_MIN_S
    assert all(DELAY_MIN_S <= delay <= DELAY_MAX_S for delay in delays)
    assert min(delays[10:]) >= DELAY_MAX_S / 2


def test_only_the_failed_partition_waits_and_only_until_it_is_due() -> None:
    now_s = [100.0]
    backoff = Backoff(clock=lambda: now_s[0])
    delay_s = backoff.failed(P0)
    assert backoff.waiting() == {P0}
    assert backoff.next_due_in_s() == pytest.approx(delay_s)
    now_s[0] += delay_s
    assert backoff.waiting() == set()
    assert backoff.next_due_in_s() is None
    assert backoff.troubled()
    backoff.succeeded(P0)
    assert not backoff.troubled()


def test_a_partition_that_went_to_others_waits_no_more() -> None:
    backoff = Backoff()
    backoff.failed(P0)
    backoff.keep_only({P1})
    assert not backoff.troubled()


# --- the loop, on a consumer that has a script for its troubles ---


class ScriptedConsumer:
    """Gives the polls of a list, one after another; notes what it is told."""

    def __init__(self, *polls: Any) -> None:
        self.polls = list(polls)
        self.assigned = {P0, P1}
        self.commits: list[dict[TopicPartition, int]] = []
        self.commit_errors: list[Exception] = []
        self.seeks: list[tuple[TopicPartition, int]] = []
        self.held: set[TopicPartition] = set()
        self.probe_error: Exception | None = None
        self.closed = False

    def subscribe(self, topics: Any) -> None:
        assert topics == ["coupon_create"]

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms >= 0
        assert max_records >= 1
        step = self.polls.pop(0) if self.polls else {}
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, dict)
        return step

    def assignment(self) -> set[TopicPartition]:
        return set(self.assigned)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append((partition, offset))

    def pause(self, *partitions: TopicPartition) -> None:
        self.held |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.held -= set(partitions)

    def paused(self) -> set[TopicPartition]:
        return set(self.held)

    def commit(self, offsets: Any, timeout_ms: int) -> None:
        assert timeout_ms > 0
        if self.commit_errors:
            raise self.commit_errors.pop(0)
        self.commits.append({partition: meta.offset for partition, meta in offsets.items()})

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=MemberState.STABLE)

    def beginning_offsets(self, partitions: Any, timeout_ms: int) -> object:
        if self.probe_error is not None:
            raise self.probe_error
        return dict.fromkeys(partitions, timeout_ms)

    def close(self, *, autocommit: bool, timeout_ms: int) -> None:
        assert not autocommit
        assert timeout_ms > 0
        self.closed = True


def runner_of(consumer: ScriptedConsumer, handler: Any, **options: Any) -> PollRunner:
    given = {"batch_window_ms": 0, **options}
    return PollRunner(lambda: consumer, handler, PollOptions("coupon_create", SERVERS, **given))


def log_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def succeed(_event: dict[str, Any], _context: Any) -> None:
    return None


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
    answers = iter([{"batchItemFailures": [item]}, None])
    runner = runner_of(consumer, lambda _event, _context: next(answers))
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


def test_records_collected_before_an_outage_are_handled_though_the_window_is_open() -> None:
    handled: list[dict[str, Any]] = []
    consumer = ScriptedConsumer({P0: [record(5)]}, KafkaTimeoutError("gone"))
    options = {"batch_window_ms": 60_000}
    assert runner_of(consumer, lambda event, _: handled.append(event), **options).run_once()
    assert len(handled) == 1
    assert consumer.commits == [{P0: 6}]


def test_a_commit_that_an_outage_swallowed_is_told_and_made_up_for(
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


def test_an_outage_is_told_once_and_its_end_once(
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


def test_a_refusal_that_no_patience_helps_ends_the_run_and_leaves_the_group() -> None:
    consumer = ScriptedConsumer(TopicAuthorizationFailedError("coupon_create"))
    with pytest.raises(TopicAuthorizationFailedError):
        runner_of(consumer, succeed).run()
    assert consumer.closed


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


def test_a_handler_over_its_time_is_told_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    runner_of(ScriptedConsumer({P0: [record(5)]}), succeed, timeout_s=0).run_once()
    (line,) = [line for line in log_of(capsys) if line["message"] == "batch"]
    assert line["timeout_s_exceeded"] == 0
    assert line["level"] == "WARNING"


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
