"""Reading the topic to its end: however long it takes, and never past what cannot be read."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import TopicPartition

from handlers import log
from handlers.adapters.kafka import topic_reader
from handlers.adapters.kafka.fetched_records import CommittedRecords, UnreadableBatchError
from handlers.adapters.kafka.topic_reader import Topic
from handlers.config import Settings
from handlers.domain.errors import UnavailableError
from handlers.domain.record import UnreadableBatch
from tests.support.backlog import values_of
from tests.support.fakes import NOW_MS
from tests.unit.conftest import ENVIRONMENT

P0, P1 = TopicPartition("coupon_create", 0), TopicPartition("coupon_create", 1)
DAMAGED = UnreadableBatch("coupon_create", 0, 12, 14, b"bytes", "its checksum is wrong")


class Broker:
    """A consumer on two partitions of numbers; each poll takes a minute and gives one record."""

    def __init__(self) -> None:
        self.committed_offsets = {P0: 10, P1: None}
        self.ends = {P0: 15, P1: 2}
        self.positions: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()
        self.damaged: UnreadableBatch | None = None
        self.stuck_at: int | None = None
        self.now_s = time.monotonic()
        self.closed = False
        self._fetcher = SimpleNamespace(PartitionRecords=None)

    def __call__(self, **options: Any) -> Broker:
        assert options["isolation_level"] == "read_committed"
        assert not options["enable_auto_commit"]
        self.paused = set()  # a new consumer has paused nothing
        return self

    def partitions_for_topic(self, _name: str) -> set[int]:
        return {0, 1}

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [P0, P1]

    def committed(self, partition: TopicPartition) -> int | None:
        return self.committed_offsets[partition]

    def seek_to_beginning(self, partition: TopicPartition) -> None:
        self.positions[partition] = 0

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    def highwater(self, partition: TopicPartition) -> int:
        return self.ends[partition]

    def pause(self, partition: TopicPartition) -> None:
        self.paused.add(partition)

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        assert self._fetcher.PartitionRecords is CommittedRecords
        assert timeout_ms < max_records
        self.now_s += 25
        for partition in {P0, P1} - self.paused:
            offset = self.positions[partition]
            if self.damaged and (partition, offset) == (P0, self.damaged.offset):
                raise UnreadableBatchError(self.damaged)
            if offset < self.ends[partition] and offset != self.stuck_at:
                self.positions[partition] += 1
                value = f"{partition.partition}-{offset}".encode()
                return {partition: [SimpleNamespace(value=value, offset=offset)]}
        return {}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(topic_reader, "KafkaConsumer", made)
    clock = SimpleNamespace(monotonic=lambda: made.now_s)
    monkeypatch.setattr(topic_reader, "time", clock)
    return made


@pytest.fixture
def settings() -> Settings:
    return Settings.from_environment(ENVIRONMENT)


EVERYTHING = {*(f"0-{n}".encode() for n in range(10, 15)), b"1-0", b"1-1"}


def test_a_backlog_is_read_to_its_end_however_long_it_takes(
    broker: Broker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_s, progress = broker.now_s, list[dict[str, int]]()
    monkeypatch.setattr(log, "info", lambda _, fields: progress.append(fields))
    assert set(values_of(Topic(settings).unconsumed())) == EVERYTHING
    assert broker.now_s > began_s + 5 * topic_reader.NO_PROGRESS_S
    assert broker.closed
    assert progress == [{"read": n, "of": 7} for n in range(1, 8)]


def test_the_offsets_are_those_of_the_call_and_the_end_that_of_the_first_fetch(
    broker: Broker, settings: Settings
) -> None:
    backlog = Topic(settings).unconsumed()
    broker.committed_offsets[P0] = 14  # the consumer goes on meanwhile
    found = {next(backlog.records).value, next(backlog.records).value}
    broker.ends[P0] = broker.ends[P1] = 10**6  # and so do other applicants
    assert found | set(values_of(backlog)) == EVERYTHING
    assert backlog.ends == {0: 15, 1: 2}


def test_a_reading_that_is_given_up_closes_its_consumer(broker: Broker, settings: Settings) -> None:
    backlog = Topic(settings).unconsumed()
    next(backlog.records)
    del backlog
    assert broker.closed


def test_a_position_that_does_not_move_is_named(broker: Broker, settings: Settings) -> None:
    broker.stuck_at = 13
    with pytest.raises(UnavailableError, match="nothing came for 30 s at coupon_create-0@13") as e:
        values_of(Topic(settings).unconsumed())
    assert str(e.value).startswith("read 5 of 7 unread records of the topic: ")


def test_without_time_it_says_how_far_it_came_and_what_to_do(
    broker: Broker, settings: Settings
) -> None:
    asked = iter([True, True, False])
    with pytest.raises(UnavailableError, match=r"read 3 of 7 .* python -m local.rebuild"):
        values_of(Topic(settings).unconsumed(lambda: next(asked)))
    assert broker.closed


def test_a_damaged_batch_ends_the_reading_until_an_operator_has_skipped_it(
    broker: Broker, settings: Settings
) -> None:
    broker.damaged = DAMAGED
    with pytest.raises(UnavailableError, match=r"coupon_create-0@12 cannot be read: .*coupons"):
        values_of(Topic(settings).unconsumed())
    assert broker.closed
    skipped = Topic(settings, [DAMAGED].__contains__)
    assert set(values_of(skipped.unconsumed())) == EVERYTHING - {b"0-12", b"0-13"}


def test_a_skip_never_goes_past_the_end(broker: Broker, settings: Settings) -> None:
    broker.damaged = UnreadableBatch("coupon_create", 0, 12, NOW_MS, b"", "its header is damaged")
    assert b"0-14" not in values_of(Topic(settings, lambda _: True).unconsumed())
    assert broker.positions[P0] == 15
