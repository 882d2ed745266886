"""A tap on the topic: the records that came to it during a history, with their offsets."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from handlers.adapters.kafka.connection import connection_options, require_broker
from handlers.domain.coupon import CouponAccepted, UndecodableError
from tests.faults.acceptor.events import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings

READ_S = 5.0
POLL_MS = 100
UNREAD = (KafkaError, OSError, TimeoutError)


class TopicTap:
    """Reads on where the history before ended: the topic of a cluster grows with each."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings = settings
        self._next = {TopicPartition(settings.coupon_topic, n): 0 for n in range(partitions)}

    def read(self, campaign_ids: Sequence[str]) -> list[list[Sent]]:
        """Return the records of each campaign since the last call. Raises one of UNREAD."""
        require_broker(self._settings)
        options: dict[str, Any] = connection_options(self._settings)
        found: dict[str, list[Sent]] = {each: [] for each in campaign_ids}
        with closing(KafkaConsumer(**options, enable_auto_commit=False)) as consumer:
            consumer.assign(list(self._next))
            for partition, offset in self._next.items():
                consumer.seek(partition, offset)
            ends = consumer.end_offsets(list(self._next))
            deadline = time.monotonic() + READ_S
            while any(consumer.position(each) < end for each, end in ends.items()):
                if time.monotonic() > deadline:
                    message = "the topic cannot be read to its end"
                    raise TimeoutError(message)
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        _note(record, found)
            self._next = {each: consumer.position(each) for each in self._next}
        return list(found.values())


def _note(record: Any, found: dict[str, list[Sent]]) -> None:
    try:
        coupon = CouponAccepted.decode(record.value)
    except UndecodableError:
        return
    if coupon.campaign_id in found:
        admission = coupon.user_id, coupon.serial, coupon.fence
        found[coupon.campaign_id].append(Sent(record.partition, record.offset, admission))
