"""A producer that sends a group of records as one batch, with one future for all of them.

KafkaProducer.send() checks, partitions, locks and promises each record for itself, which takes
longer than writing it. The applications that one round trip decided about are sent together anyway.
"""

from __future__ import annotations

import random
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGIC, UNCOMPRESSED = 2, 0
# The default; a batch of requests fits. A larger group, as the relay's, goes as several batches.
# The client would split one above a topic's `max.message.bytes`, and not complete its future.
BATCH_BYTES_MAX = 16 * 1024
# More than one process sends at once, and few enough that every consumer gets records soon.
RUN = 32


class KafkaRecord(NamedTuple):
    """What a record of the topic holds."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Sent(NamedTuple):
    """Records on their way in one batch."""

    size: int
    future: Any

    def wait(self, deadline: float) -> None:
        """Return once all are acknowledged; raise Kafka's error, or KafkaTimeoutError."""
        if not self.future.wait(max(0.0, deadline - time.monotonic())):
            message = "no acknowledgement in time"
            raise KafkaTimeoutError(message)
        if self.future.failed():
            raise self.future.exception
        _, _, error_of = self.future.value
        if error_of is not None:
            raise error_of(0)


class PartitionsInTurn:
    """Partitions in turn, each for about RUN records; shared by threads.

    With partitioning by key, a group would become as many batches as there are partitions, each
    built, checked and acknowledged on its own. The idea is from Kafka's sticky partitioner
    (KIP-480), which applies it only to records without a key. No two coupons depend on each other's
    order, so a user's coupons need not share a partition.
    """

    def __init__(self) -> None:
        # A random start: a thousand Lambda environments with one record each must not all use the
        # same partition.
        self._sent = random.randrange(1 << 16) * RUN  # noqa: S311 - not a secret
        self._lock = Lock()

    def next(self, cluster: Any, topic: str, records: int) -> int:
        """Return the partition of the next group, one with a leader if any has one.

        Raises ValueError without a topic.
        """
        partitions = sorted(
            cluster.available_partitions_for_topic(topic)
            or cluster.partitions_for_topic(topic)
            or ()
        )
        if not partitions:
            message = f"Kafka has no topic {topic}"
            raise ValueError(message)
        with self._lock:
            run, self._sent = self._sent // RUN, self._sent + records
        number: int = partitions[run % len(partitions)]
        return number


class GroupProducer(KafkaProducer):  # type: ignore[misc] # kafka-python has no types
    """Sends groups of records; shared by threads."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._in_turn = PartitionsInTurn()

    def send_group(self, topic: str, records: Sequence[KafkaRecord]) -> Iterator[Sent]:
        """Send as one batch, or a few; yield each once it is on its way.

        Raises ValueError where Kafka has no such topic, IllegalStateError after close().
        """
        left = list(records)
        while left:
            partition = self._in_turn.next(self._metadata, topic, len(left))
            sent = self._send_batch(TopicPartition(topic, partition), left)
            left = left[sent.size :]
            yield sent

    def _send_batch(self, partition: TopicPartition, records: Sequence[KafkaRecord]) -> Sent:
        """Send as many as one batch takes, at least one."""
        builder = MemoryRecordsBuilder(MAGIC, UNCOMPRESSED, BATCH_BYTES_MAX)
        now_ms = time.time_ns() // 1_000_000
        for key, value, headers in records:
            if builder.append(now_ms, key, value, headers) is None:
                break
        batch = ProducerBatch(partition, builder)
        self._enqueue(partition, batch)
        self._sender.wakeup()
        return Sent(builder.next_offset(), batch.produce_future)

    def _enqueue(self, partition: TopicPartition, batch: ProducerBatch) -> None:
        """Do what the accumulator's append() does for the first record of a batch."""
        accumulator = self._accumulator
        accumulator._appends_in_progress.increment()  # noqa: SLF001 - it has no other way, here and below
        try:
            with accumulator._tp_lock(partition):  # noqa: SLF001
                if accumulator._closed:  # noqa: SLF001
                    message = "the producer is closed"
                    raise IllegalStateError(message)
                accumulator._batches[partition].append(batch)  # noqa: SLF001
                accumulator._incomplete.add(batch)  # noqa: SLF001
        finally:
            accumulator._appends_in_progress.decrement()  # noqa: SLF001
