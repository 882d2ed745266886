"""Writes records of the engine into the topic: repeated ones, and forged ones."""

from __future__ import annotations

import json
import random
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from handlers.adapters.kafka.connection import connection_options, require_broker
from handlers.domain.coupon import CouponAccepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings

SEND_TIMEOUT_S = 3.0
READ_S = 1.0
FOREIGN = 3
ADMITTED_AT_MS = 1_763_780_400_123
# A forged serial is above the quantity, also where that is raised and places are returned.
BEYOND = 1000
UNSENT = (KafkaError, OSError)


class TopicWriter:
    """Writes into the topic of one cluster for one history; knows what must end in failed_event."""

    def __init__(self, settings: Settings, campaign_id: str, seed: int, quantity: int) -> None:
        self._settings = settings
        self._campaign_id = campaign_id
        self._chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self._quantity = quantity
        # (partition, offset) of records that cannot become a coupon.
        self.forged: set[tuple[int, int]] = set()

    def forge(self) -> int:
        """Write records that are not coupons of this campaign, of many kinds; return how many."""
        return self._send([(None, value) for value in self._forgeries()], forged=True)

    def mark(self, partitions: int) -> int:
        """Write one undecodable record as the last one into every partition; return how many.

        Once they are in failed_event, all records before them have been consumed.
        """
        return self._send(
            [(number, b"the last record") for number in range(partitions)], forged=True
        )

    def repeat(self) -> int:
        """Write this campaign's records once more, in another order; return how many."""
        try:
            values = self._values()
        except UNSENT:
            return 0
        self._chance.shuffle(values)
        return self._send([(None, value) for value in values], forged=False)

    def take_serials(self) -> int:
        """Write coupons of users who never applied, under serials that other users have by now."""
        foreign = [
            CouponAccepted(self._campaign_id, f"foreign-{serial}", serial, ADMITTED_AT_MS)
            for serial in range(1, FOREIGN + 1)
        ]
        return self._send([(None, coupon.encode()) for coupon in foreign], forged=False)

    def _forgeries(self) -> list[bytes | None]:
        now = "2026-11-22T03:00:00.123Z"
        right: dict[str, object] = {
            "v": 1,
            "campaign_id": self._campaign_id,
            "user_id": "forger",
            "serial": 1,
            "admitted_at": now,
        }
        wrong: list[dict[str, object]] = [
            {"serial": self._quantity + BEYOND},
            {"serial": 0},
            {"serial": 2**70},
            {"serial": "1"},
            {"v": 2},
            {"campaign_id": "nobody-knows-it"},
            {"user_id": "a b"},
            {"admitted_at": "yesterday"},
        ]
        broken: list[bytes | None] = [b"{", b"\xff\xfe", b"[]", None]
        return [*(json.dumps(right | change).encode() for change in wrong), *broken]

    def _send(self, records: Sequence[tuple[int | None, bytes | None]], *, forged: bool) -> int:
        try:
            require_broker(self._settings)
            producer = KafkaProducer(
                **self._options() | {"request_timeout_ms": 2000},
                acks="all",
                max_block_ms=1000,
                delivery_timeout_ms=2000,
            )
        except UNSENT:
            return 0
        sent = 0
        try:
            futures = [
                producer.send(
                    self._settings.coupon_topic,
                    # Without a key kafka-python would skip an empty value.
                    key=b"%d" % self._chance.randrange(1000),
                    value=value,
                    partition=partition,
                )
                for partition, value in records
            ]
            for future in futures:
                metadata = future.get(timeout=SEND_TIMEOUT_S)
                sent += 1
                if forged:
                    self.forged.add((metadata.partition, metadata.offset))
        except UNSENT:
            pass  # Kafka is down or frozen: a record that may be missing is not expected later
        finally:
            try:
                producer.close(timeout=1)
            except UNSENT:
                producer._sender.force_close()
        return sent

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = connection_options(self._settings)
        return options | {"bootstrap_timeout_ms": 1000}

    def _values(self) -> list[bytes | None]:
        require_broker(self._settings)
        found: list[bytes | None] = []
        name = self._settings.coupon_topic
        wanted = self._campaign_id.encode()
        with closing(KafkaConsumer(**self._options(), auto_offset_reset="earliest")) as consumer:
            partitions = [
                TopicPartition(name, n) for n in consumer.partitions_for_topic(name) or ()
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            deadline = time.monotonic() + READ_S
            while time.monotonic() < deadline:
                polled = consumer.poll(timeout_ms=100)
                for records in polled.values():
                    found += [r.value for r in records if r.value and wanted in r.value]
                if not polled and found:
                    break
        return [value for value in found if value and b'"forger"' not in value]
