"""handlers/adapters/kafka/group_producer.py: no group counts as acknowledged that Kafka has not.

With kafka-python's own accumulator, and without its thread: each test does what that would do.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka.errors import IllegalStateError, InvalidRecordError, KafkaError, KafkaTimeoutError
from kafka.producer.record_accumulator import RecordAccumulator
from kafka.producer.sender import Sender
from kafka.structs import TopicPartition

from handlers.adapters.kafka.group_producer import (
    GroupProducer,
    KafkaRecord,
    PartitionsInTurn,
    Sent,
)

PARTITION = TopicPartition("coupons", 0)
RECORDS = [KafkaRecord(b"user-%d" % n, b"{}", [("request_id", b"1")]) for n in range(4)]


class Cluster:
    """Metadata of a topic with one partition."""

    def available_partitions_for_topic(self, _: str) -> set[int]:
        return {PARTITION.partition}


class Woken:
    """In place of the sender's thread."""

    def wakeup(self) -> None:
        """Do nothing: the tests do its work."""


class Unconnected(GroupProducer):
    """A producer without connections and without a thread."""

    def __init__(self) -> None:
        self._accumulator = RecordAccumulator()
        self._metadata, self._sender, self._in_turn = Cluster(), Woken(), PartitionsInTurn()

    def __del__(self) -> None:
        """Close nothing: the library's own destructor would look for connections."""


@pytest.fixture
def producer() -> Unconnected:
    return Unconnected()


def sent_batch(producer: Unconnected) -> tuple[Sent, Any]:
    """Send a group; return what its caller waits for, and the batch as the thread takes it."""
    [sent] = producer.send_group(PARTITION.topic, RECORDS)
    batch = producer._accumulator._batches[PARTITION].popleft()
    batch.records.close()
    return sent, batch


def is_acknowledged(sent: Sent) -> bool:
    try:
        sent.wait(time.monotonic())
    except (KafkaError, IllegalStateError):
        return False
    return True


def test_a_batch_that_kafka_took_is_acknowledged_with_all_its_records(
    producer: Unconnected,
) -> None:
    sent, batch = sent_batch(producer)
    assert not is_acknowledged(sent)
    batch.complete(17, -1)
    assert is_acknowledged(sent)
    assert sent.size == batch.record_count == len(RECORDS)


def test_a_batch_too_large_for_the_topic_is_not_acknowledged_by_a_half_of_it(
    producer: Unconnected,
) -> None:
    sent, batch = sent_batch(producer)
    assert producer._accumulator.split_and_reenqueue(batch) == 2
    first, second = producer._accumulator._batches[PARTITION]
    first.complete(17, -1)
    assert not is_acknowledged(sent)
    second.complete_exceptionally(KafkaTimeoutError(), lambda _: KafkaTimeoutError())
    assert not is_acknowledged(sent)


@pytest.mark.parametrize("refused", [0, 3])
def test_a_batch_with_a_record_that_kafka_refuses_is_not_acknowledged(
    producer: Unconnected, refused: int
) -> None:
    sent, batch = sent_batch(producer)
    error = InvalidRecordError()
    of_record = Sender._record_exceptions_fn(None, error, [(refused, "no")], None)
    batch.complete_exceptionally(error, of_record)
    with pytest.raises(KafkaError):
        sent.wait(time.monotonic())


def test_an_acknowledgement_after_the_client_gave_up_does_not_change_the_answer(
    producer: Unconnected,
) -> None:
    sent, batch = sent_batch(producer)
    batch.complete_exceptionally(KafkaTimeoutError(), lambda _: KafkaTimeoutError())
    batch.complete(17, -1)
    assert not is_acknowledged(sent)


def test_a_producer_that_is_closed_by_force_fails_the_groups_on_their_way(
    producer: Unconnected,
) -> None:
    [sent] = producer.send_group(PARTITION.topic, RECORDS)
    producer._accumulator.close()
    producer._accumulator.abort_incomplete_batches()
    with pytest.raises(IllegalStateError, match="forcefully"):
        sent.wait(time.monotonic())


def test_a_producer_that_is_closed_takes_no_group(producer: Unconnected) -> None:
    producer._accumulator.close()
    with pytest.raises(IllegalStateError, match="closed"):
        list(producer.send_group(PARTITION.topic, RECORDS))
    assert not producer._accumulator.has_incomplete
    assert not producer._accumulator._appends_in_progress.get()
