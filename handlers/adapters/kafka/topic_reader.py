"""Reads the records of the topic that are not yet known to be in MySQL."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from handlers.adapters.kafka.connection import connection_options, require_broker
from handlers.adapters.kafka.fetched_records import ISOLATION
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

# A million coupons are 150 MB, read at some 50 MB/s.
READ_TIMEOUT_S = 30.0
POLL_MS = 200


class Topic:
    """The topic of accepted coupons, read from the consumer group's committed offsets."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def unconsumed(self) -> Iterator[bytes | None]:
        """Yield the values from the group's committed offsets to the current end.

        Everything before those offsets has been committed to MySQL: a caller that reads MySQL
        after this gets all of it. Raises UnavailableError when Kafka is unreachable.
        """
        try:
            require_broker(self._settings)
            with closing(self._consumer()) as consumer:
                yield from _to_the_end(consumer, self._partitions(consumer))
        except (KafkaError, OSError) as error:
            message = "Kafka gave no answer"
            raise UnavailableError(message) from error

    def _consumer(self) -> KafkaConsumer:
        # The group id gives access to its offsets; without a subscription nothing joins the group.
        return KafkaConsumer(
            **connection_options(self._settings),
            **ISOLATION,
            group_id=self._settings.consumer_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    def _partitions(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        name = self._settings.coupon_topic
        numbers = consumer.partitions_for_topic(name)
        if not numbers:
            message = f"Kafka has no topic {name}"
            raise UnavailableError(message)
        return [TopicPartition(name, number) for number in numbers]


def _to_the_end(
    consumer: KafkaConsumer, partitions: list[TopicPartition]
) -> Iterator[bytes | None]:
    deadline = time.monotonic() + READ_TIMEOUT_S
    consumer.assign(partitions)
    for partition in partitions:
        committed = consumer.committed(partition)
        if committed is None:
            consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, committed)
    left = set(partitions)
    while left:
        if time.monotonic() > deadline:
            message = f"the topic was not read to its end within {READ_TIMEOUT_S:.0f} s"
            raise UnavailableError(message)
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            for record in records:
                yield record.value
        # The high-water mark is known after the first fetch response; records that come in
        # meanwhile are read as well, but not waited for.
        left = {p for p in left if not _is_at_end(consumer, p)}


def _is_at_end(consumer: KafkaConsumer, partition: TopicPartition) -> bool:
    highwater = consumer.highwater(partition)
    return highwater is not None and consumer.position(partition) >= highwater
