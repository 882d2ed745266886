"""The topic as lists in memory, with every fault that Kafka may cause a sender and a reader."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.adapters.kafka.topic_reader import Backlog
from handlers.domain.errors import UnavailableError
from handlers.domain.fence import Position, Unwritten
from tests.simulation.actors import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from handlers.domain.coupon import OutgoingMessage
    from tests.simulation.actors import Stage

PARTITIONS = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """A record whose sender no longer waits; it may arrive at any time, or never."""

    partition: int
    value: bytes


@dataclass
class Log:
    """Partitions, the group's committed offsets, and the records still on the wire."""

    topic: str
    partitions: list[list[bytes | None]] = field(
        default_factory=lambda: [[] for _ in range(PARTITIONS)]
    )
    committed: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    wire: list[Sent] = field(default_factory=list)
    generation: int = 0

    def join(self) -> int:
        """Take the group over: the consumer until now can commit no offset any more."""
        self.generation += 1
        return self.generation

    def commit(self, generation: int, offsets: Mapping[int, int]) -> None:
        """Commit offsets, unless another consumer took over since."""
        if generation == self.generation:
            for partition, offset in offsets.items():
                self.committed[partition] = offset

    def append(self, partition: int, value: bytes | None) -> int:
        self.partitions[partition].append(value)
        return len(self.partitions[partition]) - 1

    def unread(self, partition: int, limit: int) -> Iterator[tuple[int, bytes | None]]:
        """Yield offset and value from the committed offset on."""
        first = self.committed[partition]
        yield from enumerate(self.partitions[partition][first : first + limit], first)

    @property
    def is_consumed(self) -> bool:
        return self.committed == [len(records) for records in self.partitions]


class Publisher:
    """The port to the topic: acknowledged, ack lost, sent twice, not sent, or in flight for long.

    It promises nothing about time: the protocol must not need that.
    """

    def __init__(self, log: Log, stage: Stage) -> None:
        self._log = log
        self._stage = stage

    def publish_all(self, outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        assert all(one.request_id for one in outgoing_messages)
        nothing = [False] * len(outgoing_messages)
        fate = self._stage.pause("send")
        if fate is Fate.UNREACHABLE:
            return nothing
        # Admissions in the same millisecond have another order than in different ones; a replay
        # must not depend on that.
        for message in sorted((one.message for one in outgoing_messages), key=lambda m: m.user_id):
            partition = zlib.crc32(message.user_id.encode()) % PARTITIONS
            if fate is Fate.LATE:
                self._log.wire.append(Sent(partition, message.encode()))
                continue
            for _ in range(2 if fate is Fate.TWICE else 1):
                self._log.append(partition, message.encode())
        if fate in {Fate.LATE, Fate.UNACKNOWLEDGED}:
            return nothing
        is_acknowledged = self._stage.pause("ack") in {Fate.PROCEED, Fate.TWICE}
        return [is_acknowledged] * len(outgoing_messages)


class Topic:
    """What a rebuild reads: from the committed offsets to the end."""

    def __init__(self, log: Log, stage: Stage) -> None:
        self._log = log
        self._stage = stage
        self.name = log.topic

    def unconsumed(self, _has_time: Callable[[], bool]) -> Backlog:
        ends: dict[int, int] = {}
        return Backlog(self._records(list(self._log.committed), ends), ends)

    def _records(
        self, committed: list[int], ends: dict[int, int]
    ) -> Generator[Unwritten, None, None]:
        for partition, first in enumerate(committed):
            if self._stage.pause("read topic") not in {Fate.PROCEED, Fate.TWICE}:
                raise UnavailableError
            values = self._log.partitions[partition][first:]
            for offset, value in enumerate(values, first):
                yield Unwritten(value, Position(self._log.topic, partition, offset))
            ends[partition] = first + len(values)
