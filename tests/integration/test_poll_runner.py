"""The poll runner on a real broker; as a program where signals and partners matter."""

from __future__ import annotations

import json
import os
import signal
import uuid
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition

from handlers.adapters.kafka_options import connection_options
from handlers.adapters.migration.patience import Patience
from handlers.adapters.migration.topic import ensure_topic
from local.poller.consumer import build_consumer
from local.poller.loop import PollRunner
from local.poller.options import PollOptions
from local.servers import Tansu
from tests.programs import WAIT_S, Program, eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handlers.config import Settings

PARTITIONS = 4
SESSION_TIMEOUT_MS = 6_000


@pytest.fixture
def own_topic(settings: Settings) -> Settings:
    """The session's servers with a topic and a group of the test's own."""
    return with_own_topic(settings)


def with_own_topic(settings: Settings) -> Settings:
    name = f"poll-{uuid.uuid4().hex[:12]}"
    settings = replace(settings, coupon_topic=name, consumer_group=f"group-{name}")
    ensure_topic(settings, Patience(WAIT_S, print), partitions=PARTITIONS)
    return settings


def send(
    settings: Settings,
    values: list[bytes | None],
    partition: int | None = None,
    key: bytes | None = None,
    headers: list[tuple[str, bytes]] | None = None,
) -> list[Any]:
    """Send and return what the broker said of each record."""
    with closing(KafkaProducer(**connection_options(settings))) as producer:
        sent = [
            producer.send(
                settings.coupon_topic, value, key=key, partition=partition, headers=headers or []
            )
            for value in values
        ]
        return [future.get(timeout=WAIT_S) for future in sent]


def committed(settings: Settings, partition: int) -> int | None:
    options = connection_options(settings) | {"group_id": settings.consumer_group}
    with closing(KafkaConsumer(**options, enable_auto_commit=False)) as consumer:
        offset = consumer.committed(TopicPartition(settings.coupon_topic, partition))
        return None if offset is None else int(offset)


@contextmanager
def polling(settings: Settings, handler: Any, **options: Any) -> Iterator[PollRunner]:
    """A runner in this process, to be driven step by step."""
    runner = PollRunner(
        lambda: build_consumer(settings, SESSION_TIMEOUT_MS, timeout_s=60),
        handler,
        PollOptions(settings.coupon_topic, settings.kafka_bootstrap_servers, **options),
    )
    with closing(runner):
        yield runner


def drive(runner: PollRunner, until: Callable[[], object]) -> None:
    def step() -> object:
        runner.run_once()
        return until()

    eventually(step, "what the runner was driven to")


@contextmanager
def runner_program(
    settings: Settings, recorded: Path, *arguments: str, handler: str = "record"
) -> Iterator[Program]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "COUPON_TOPIC": settings.coupon_topic,
        "CONSUMER_GROUP": settings.consumer_group,
        "RECORD_TO": str(recorded),
    }
    handler = f"--handler=tests.handlers_for_programs:{handler}"
    with running("local.poll_runner", handler, *arguments, environment=environment) as program:
        yield program


def events_in(recorded: Path) -> list[dict[str, Any]]:
    if not recorded.exists():
        return []
    return [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]


def places_in(recorded: Path) -> set[tuple[int, int]]:
    """The partition and offset of every record that was handled."""
    return {
        (record["partition"], record["offset"])
        for event in events_in(recorded)
        for records in event["records"].values()
        for record in records
    }


def places_of(sent: list[Any]) -> set[tuple[int, int]]:
    return {(metadata.partition, metadata.offset) for metadata in sent}


def has_assigned(count: int) -> Callable[[str], bool]:
    def wanted(text: str) -> bool:
        line = json.loads(text)
        return line["message"] == "partitions assigned" and len(line["partitions"]) == count

    return wanted


def says(message: str) -> Callable[[str], bool]:
    return lambda text: json.loads(text)["message"] == message


def test_an_event_tells_of_the_polled_records_what_the_broker_knows(own_topic: Settings) -> None:
    headers = [("trace", b"h\xec\x00"), ("trace", b"")]
    (first,) = send(own_topic, [b'{"v":1}'], partition=2, key=b"42", headers=headers)
    send(own_topic, [None], partition=2, key=b"42")
    send(own_topic, [b"no key"], partition=2)
    records: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        events.append(event)
        records.extend(event["records"][f"{own_topic.coupon_topic}-2"])

    with polling(own_topic, note) as runner:
        drive(runner, lambda: len(records) == 3)
    assert events[0].keys() == {"eventSource", "eventSourceArn", "bootstrapServers", "records"}
    assert events[0]["bootstrapServers"] == ",".join(own_topic.kafka_bootstrap_servers)
    assert records[0] == {
        "topic": own_topic.coupon_topic,
        "partition": 2,
        "offset": 0,
        "timestamp": first.timestamp,
        "timestampType": "CREATE_TIME",
        "key": "NDI=",
        "value": "eyJ2IjoxfQ==",
        "headers": [{"trace": [104, -20, 0]}, {"trace": []}],
    }
    assert [record["offset"] for record in records] == [0, 1, 2]
    assert (records[1]["key"], records[1]["value"], records[1]["headers"]) == ("NDI=", None, [])
    assert (records[2]["key"], records[2]["value"]) == (None, "bm8ga2V5")


def test_a_batch_that_failed_comes_again_whole_and_is_committed_only_then(
    own_topic: Settings,
) -> None:
    send(own_topic, [b"0", b"1", b"2"], partition=0)
    seen: list[list[int]] = []

    def fail_twice(event: dict[str, Any], _context: Any) -> None:
        offsets = [record["offset"] for records in event["records"].values() for record in records]
        seen.append(offsets)
        if len(seen) <= 2:
            assert committed(own_topic, 0) is None
            message = "the database is gone"
            raise ConnectionError(message)

    with polling(own_topic, fail_twice) as runner:
        drive(runner, lambda: len(seen) == 3)
    assert seen == [[0, 1, 2]] * 3
    assert committed(own_topic, 0) == 3


def test_after_a_partial_failure_only_the_rest_of_that_partition_comes_again(
    own_topic: Settings,
) -> None:
    send(own_topic, [b"0", b"1", b"2"], partition=0)
    send(own_topic, [b"0", b"1"], partition=1)
    name = f"{own_topic.coupon_topic}-0"
    handled: list[tuple[int, int]] = []
    refused: list[int] = []

    def refuse_once(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        failures = []
        for records in event["records"].values():
            for record in records:
                handled.append((record["partition"], record["offset"]))
                if record["partition"] == 0 and record["offset"] == 1 and not refused:
                    refused.append(1)
                    failures.append({"itemIdentifier": {"partition": name, "offset": 1}})
        return {"batchItemFailures": failures}

    with polling(own_topic, refuse_once) as runner:
        drive(runner, lambda: refused and handled.count((0, 2)) == 2 and (1, 1) in handled)
        assert committed(own_topic, 0) == 3
        assert committed(own_topic, 1) == 2
    assert handled.count((0, 0)) == 1
    assert handled.count((0, 1)) == 2
    assert handled.count((1, 0)) == handled.count((1, 1)) == 1


def test_a_membership_outlives_a_long_backoff(own_topic: Settings) -> None:
    seen: list[int] = []

    def fail_until_the_fifth(_event: dict[str, Any], _context: Any) -> None:
        seen.append(1)
        if len(seen) < 5:
            message = "not yet"
            raise RuntimeError(message)

    send(own_topic, [b"0"], partition=0)
    with polling(own_topic, fail_until_the_fifth) as runner:
        drive(runner, lambda: seen)
        assert runner._consumer is not None
        generation = runner._consumer.group_metadata().generation_id
        drive(runner, lambda: len(seen) == 5)
        assert runner._consumer.group_metadata().generation_id == generation
    assert committed(own_topic, 0) == 1


def test_a_full_batch_does_not_wait_for_the_window(own_topic: Settings) -> None:
    send(own_topic, [b"x"] * 7, partition=0)
    sizes: list[int] = []

    def count(event: dict[str, Any], _context: Any) -> None:
        sizes.append(sum(map(len, event["records"].values())))

    with polling(own_topic, count, batch_size=3, batch_window_ms=300) as runner:
        drive(runner, lambda: sum(sizes) == 7)
    assert sizes == [3, 3, 1]


def test_records_too_large_together_come_in_several_events(own_topic: Settings) -> None:
    # In base64 five of them pass Lambda's 6 MB.
    send(own_topic, [b"x" * 1_000_000] * 6, partition=0)
    offsets: list[list[int]] = []

    def note(event: dict[str, Any], _context: Any) -> None:
        assert len(json.dumps(event)) <= 6 * 1024 * 1024
        (records,) = event["records"].values()
        offsets.append([record["offset"] for record in records])

    with polling(own_topic, note, batch_window_ms=1_000) as runner:
        drive(runner, lambda: sum(map(len, offsets)) == 6)
    assert [offset for part in offsets for offset in part] == list(range(6))
    assert len(offsets) > 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_and_commits_the_batch_in_hand(
    own_topic: Settings, tmp_path: Path, how: signal.Signals
) -> None:
    sent = send(own_topic, [b"0", b"1", b"2"], partition=1)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, handler="record_held") as program:
        eventually((tmp_path / "started").exists, "the handler's start")
        program.process.send_signal(how)
        (tmp_path / "release").touch()
        assert program.wait() == 0
        lines = [json.loads(line) for line in program.err.seen]
    assert places_in(recorded) == places_of(sent)
    assert committed(own_topic, 1) == 3
    assert lines[-1]["message"] == "stopped"
    (batch,) = [line for line in lines if line["message"] == "batch"]
    assert batch["result"] == "success"
    assert batch["partitions"] == {f"{own_topic.coupon_topic}-1": [0, 2]}


def test_two_runners_share_the_partitions_and_one_takes_over_from_the_other(
    own_topic: Settings, tmp_path: Path
) -> None:
    firsts, seconds = tmp_path / "first", tmp_path / "second"
    with runner_program(own_topic, firsts) as first:
        first.err.until(has_assigned(PARTITIONS))
        sent = send(own_topic, [b"alone"] * 20)
        eventually(lambda: places_in(firsts) == places_of(sent), "all records at the first")
        with runner_program(own_topic, seconds) as second:
            second.err.until(has_assigned(PARTITIONS // 2))
            first.err.until(has_assigned(PARTITIONS // 2))
            for partition in range(PARTITIONS):
                sent += send(own_topic, [b"shared"] * 5, partition)
            eventually(
                lambda: places_in(firsts) | places_in(seconds) == places_of(sent), "all records"
            )
            assert {partition for partition, _ in places_in(seconds)} < set(range(PARTITIONS))
            assert second.stop() == 0
        first.err.until(has_assigned(PARTITIONS))
        for partition in range(PARTITIONS):
            sent += send(own_topic, [b"alone again"] * 5, partition)
        eventually(
            lambda: places_in(firsts) | places_in(seconds) == places_of(sent), "all records again"
        )
        assert first.stop() == 0


def test_the_records_of_a_runner_that_was_killed_come_to_another(
    own_topic: Settings, tmp_path: Path
) -> None:
    sent = send(own_topic, [b"0", b"1"], partition=0)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, handler="record_held") as first:
        eventually((tmp_path / "started").exists, "the handler's start")
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    assert places_in(recorded) == set()
    (tmp_path / "release").touch()
    with runner_program(own_topic, recorded, handler="record_held") as second:
        eventually(lambda: places_in(recorded) == places_of(sent), "the records at the second")
        assert second.stop() == 0
    assert committed(own_topic, 0) == 2


def test_a_runner_with_nothing_to_do_ends_when_told_so(own_topic: Settings, tmp_path: Path) -> None:
    sent = send(own_topic, [b"0"], partition=0)
    recorded = tmp_path / "events"
    with runner_program(own_topic, recorded, "--idle-exit-s=1", "--source=self-managed") as program:
        assert program.wait() == 0
    assert places_in(recorded) == places_of(sent)
    (event,) = events_in(recorded)
    assert event.keys() == {"eventSource", "bootstrapServers", "records"}
    assert event["eventSource"] == "SelfManagedKafka"


def test_a_frozen_broker_is_told_once_and_waited_for(settings: Settings, tmp_path: Path) -> None:
    recorded = tmp_path / "events"
    with Tansu() as broker:
        own = with_own_topic(replace(settings, kafka_bootstrap_servers=(broker.url,)))
        with runner_program(own, recorded) as program:
            program.err.until(has_assigned(PARTITIONS))
            broker_process = broker.pid
            os.kill(broker_process, signal.SIGSTOP)
            program.err.until(says("Kafka is out of reach"))
            os.kill(broker_process, signal.SIGCONT)
            program.err.until(says("Kafka is back"))
            sent = send(own, [b"after"] * 3)
            eventually(lambda: places_in(recorded) == places_of(sent), "the records afterwards")
            assert program.stop() == 0
            told = [line for line in program.err.seen if says("Kafka is out of reach")(line)]
            assert len(told) == 1


def test_a_broker_that_comes_late_and_one_that_restarts_empty_are_waited_for(
    settings: Settings, tmp_path: Path
) -> None:
    recorded = tmp_path / "events"
    with Tansu() as broker:
        own = replace(
            settings,
            kafka_bootstrap_servers=(broker.url,),
            coupon_topic="coupon_create",
            consumer_group="group_1",
        )
        broker.stop()
        with runner_program(own, recorded) as program:
            program.err.until(says("Kafka is out of reach"))
            serve_one_record(broker, own, program)
            eventually(lambda: len(events_in(recorded)) == 1, "the record")
            broker.stop()
            program.err.until(says("Kafka is out of reach"))
            serve_one_record(broker, own, program)
            eventually(lambda: len(events_in(recorded)) == 2, "the record of the empty broker")
            broker.kill()
            assert program.stop() == 0


def serve_one_record(broker: Tansu, settings: Settings, program: Program) -> None:
    """Start a broker that knows nothing; send one record when the runner has found it."""
    broker.start()
    ensure_topic(settings, Patience(WAIT_S, print), partitions=PARTITIONS)
    program.err.until(says("Kafka is back"))
    send(settings, [b"after"], partition=0)
