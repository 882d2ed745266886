"""Kafka as a list, and the records that a producer has in its memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaTimeoutError

from tests.simulation.actors import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.playground.theatre import Theatre

ACK = "Kafka wait for the ack"


@dataclass(eq=False, slots=True)
class Item:
    """One record on its way."""

    value: bytes
    text: str
    arrived: bool = False


class Topic:
    """One partition, its committed offset, and the wire."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self.records: list[Item] = []
        self.wire: list[Item] = []
        self.committed = self.polled = 0

    def send(self, value: bytes, text: str = "") -> Item:
        """Put a record on the wire."""
        self._theatre.pause("Kafka send")
        item = Item(value, text or value.decode())
        self.wire.append(item)
        self._theatre.program.sent.append(item)
        return item

    def is_acknowledged(self, items: Sequence[Item]) -> bool:
        """Wait for the ack of all these records."""
        fate = self._theatre.pause(ACK)
        if fate is Fate.UNREACHABLE:
            self.forget(items)
        elif fate is not Fate.LATE:
            for item in [one for one in items if one in self.wire]:
                self._deliver(item)
        return fate is Fate.PROCEED and all(item.arrived for item in items)

    def poll(self) -> tuple[list[bytes], int]:
        """Return the values from the committed offset on, and that offset."""
        self.polled = self.committed
        return [item.value for item in self.records[self.committed :]], self.committed

    def arrive(self, number: int) -> None:
        if self.wire:
            self._deliver(self.wire[number % len(self.wire)])

    def drop(self, number: int) -> None:
        if self.wire:
            self.wire.pop(number % len(self.wire))

    def forget(self, items: Sequence[Item]) -> None:
        """Lose what is still on the wire of these."""
        self.wire = [item for item in self.wire if item not in items]

    def state(self) -> list[Any]:
        records, wire = ([item.text for item in one] for one in (self.records, self.wire))
        return [records, self.committed, wire]

    def _deliver(self, item: Item) -> None:
        item.arrived = True
        self.wire.remove(item)
        self.records.append(item)


class Producer:
    """kafka-python's producer, as far as the stages use it."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic

    def send(self, topic: str, value: bytes) -> Future:
        assert topic == "coupon_create"
        return Future(self._topic, self._topic.send(value))


class Future:
    """What the producer's `send` returns."""

    def __init__(self, topic: Topic, item: Item) -> None:
        self._topic = topic
        self._item = item

    def get(self, timeout: float) -> None:
        assert timeout
        if not self._topic.is_acknowledged([self._item]):
            raise KafkaTimeoutError
