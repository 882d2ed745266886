"""Reads the records of the topic that are not yet known to be in MySQL."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from handlers import log
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.fetched_records import (
    ISOLATION,
    UnreadableBatchError,
    use_committed_records,
)
from handlers.domain.errors import UnavailableError
from handlers.domain.fence import Position, Unwritten

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from handlers.config import Settings
    from handlers.domain.record import UnreadableBatch

POLL_MS = 200
# Of one poll; the fetches themselves are of a megabyte per partition.
RECORDS_MAX = 5000
# The whole may take as long as it needs. Records that cannot be read yet (of a transaction that is
# open, or while a partition has no leader) show as a position that does not move.
NO_PROGRESS_S = 30.0
PROGRESS_INTERVAL_S = 10.0


NO_RECORD = Unwritten(None, Position("", 0, 0))


@dataclass(slots=True)
class Backlog:
    """Records that are read one by one; once they are, the offset behind them by partition."""

    records: Generator[Unwritten, None, None]
    ends: Mapping[int, int]

    def close(self) -> None:
        """Close the connection, also where records are left."""
        self.records.close()


class Topic:
    """The topic of accepted coupons, read from the consumer group's committed offsets.

    `is_skipped` says whether an operator has decided to leave an unreadable batch out.
    """

    def __init__(
        self, settings: Settings, is_skipped: Callable[[UnreadableBatch], bool] = lambda _: False
    ) -> None:
        self.name = settings.coupon_topic
        self._settings = settings
        self._is_skipped = is_skipped

    def unconsumed(self, has_time: Callable[[], bool] = lambda: True) -> Backlog:
        """Return the records from the group's committed offsets to the end, in bounded memory.

        The offsets are those of the moment of this call. Everything before them has been committed
        to MySQL: a caller that reads MySQL after this call gets all of it. Raises UnavailableError
        when Kafka is unreachable or sends nothing, when `has_time` says no, and at a batch that
        cannot be read and is not skipped: it may hold coupons.
        """
        ends: dict[int, int] = {}
        records = self._records(has_time, ends)
        next(records)  # the offsets
        return Backlog(records, ends)

    def committed(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the group's committed offsets by partition; 0 where it has none.

        Raises UnavailableError when Kafka is unreachable.
        """
        with _answered(), closing(self._consumer()) as consumer:
            return {
                one: consumer.committed(TopicPartition(self.name, one)) or 0 for one in partitions
            }

    def lag(self) -> dict[int, int]:
        """Return how many records the group has not committed, by partition.

        A partition of which nothing is committed is read from its beginning. Raises
        UnavailableError when Kafka is unreachable.
        """
        with _answered(), closing(self._consumer()) as consumer:
            partitions = self._partitions(consumer)
            begins = consumer.beginning_offsets(partitions)
            ends = consumer.end_offsets(partitions)
            behind = {}
            for one in partitions:
                committed = consumer.committed(one)
                start = begins[one] if committed is None else committed
                behind[one.partition] = max(0, ends[one] - start)
            return behind

    def _records(
        self, has_time: Callable[[], bool], ends: dict[int, int]
    ) -> Generator[Unwritten, None, None]:
        with _answered(), closing(self._consumer()) as consumer:
            reading = _Reading(consumer, self._partitions(consumer))
            yield NO_RECORD
            while reading.left:
                yield from self._poll(consumer, reading)
                reading.follow(has_time)
            ends |= reading.ends()

    def _poll(self, consumer: KafkaConsumer, reading: _Reading) -> Iterator[Unwritten]:
        try:
            polled = consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
        except UnreadableBatchError as error:
            if not self._is_skipped(error.batch):
                message = f"{error.args[0]}; it may hold accepted coupons"
                raise UnavailableError(message) from error
            reading.skip(error.batch)
            return
        for (topic, partition), records in polled.items():
            for record in records:
                yield Unwritten(record.value, Position(topic, partition, record.offset))

    def _consumer(self) -> KafkaConsumer:
        # The group id gives access to its offsets; without a subscription nothing joins the group.
        consumer = KafkaConsumer(
            **connection_options(self._settings),
            **ISOLATION,
            group_id=self._settings.consumer_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        use_committed_records(consumer)
        return consumer

    def _partitions(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        name = self._settings.coupon_topic
        numbers = consumer.partitions_for_topic(name)
        if not numbers:
            message = f"Kafka has no topic {name}"
            raise UnavailableError(message)
        return [TopicPartition(name, number) for number in numbers]


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        message = "Kafka gave no answer"
        raise UnavailableError(message) from error


class _Reading:
    """How far the partitions are read. The end of each is where it was at the first fetch."""

    def __init__(self, consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._ends: dict[TopicPartition, int] = {}
        self.left = set(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            committed = consumer.committed(partition)
            if committed is None:
                consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, committed)
        self._starts = {partition: consumer.position(partition) for partition in partitions}
        self._read = 0
        self._moved_at = self._logged_at = time.monotonic()

    def skip(self, batch: UnreadableBatch) -> None:
        """Go on behind a batch."""
        partition = TopicPartition(batch.topic, batch.partition)
        end = self._ends.get(partition, self._consumer.highwater(partition))
        following = batch.following if end is None else min(batch.following, end)
        self._consumer.seek(partition, following)
        log.warning("an unreadable batch is skipped", {"place": batch.place})

    def follow(self, has_time: Callable[[], bool]) -> None:
        """Note what was read; raise UnavailableError when that is too little."""
        positions = {partition: self._consumer.position(partition) for partition in self._starts}
        for partition in list(self.left):
            # The high-water mark is known after the first response. The last stable offset will
            # not do: behind an open transaction of another client there may be coupons.
            highwater = self._consumer.highwater(partition)
            if highwater is not None:
                self._ends.setdefault(partition, highwater)
            if positions[partition] >= self._ends.get(partition, float("inf")):
                self.left.remove(partition)
                self._consumer.pause(partition)
        read = sum(positions[each] - start for each, start in self._starts.items())
        now = time.monotonic()
        if read != self._read:
            self._read, self._moved_at = read, now
        if now > self._logged_at + PROGRESS_INTERVAL_S:
            self._logged_at = now
            log.info("reading the topic", {"read": read, "of": self._total()})
        if self.left and now > self._moved_at + NO_PROGRESS_S:
            places = ", ".join(f"{p.topic}-{p.partition}@{positions[p]}" for p in sorted(self.left))
            self._fail(f"nothing came for {NO_PROGRESS_S:.0f} s at {places}")
        if self.left and not has_time():
            self._fail("this function's time is over; python -m local.rebuild has no limit")

    def ends(self) -> dict[int, int]:
        """Return the offset behind the last record that was read, by partition."""
        return {each.partition: self._consumer.position(each) for each in self._starts}

    def _total(self) -> int:
        return sum(end - self._starts[partition] for partition, end in self._ends.items())

    def _fail(self, why: str) -> None:
        message = f"read {self._read} of {self._total()} unread records of the topic: {why}"
        raise UnavailableError(message)
