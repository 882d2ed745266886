"""Kafka records, and the failed events of records that could not be written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from handlers.domain.fence import Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.domain.coupon import CouponAccepted


class Reason(StrEnum):
    """Why a record has no coupon row."""

    UNDECODABLE = "UNDECODABLE"
    CAMPAIGN_UNKNOWN = "CAMPAIGN_UNKNOWN"
    SERIAL_OUT_OF_RANGE = "SERIAL_OUT_OF_RANGE"
    SERIAL_TAKEN = "SERIAL_TAKEN"
    # Sent before a rebuild, and not in Kafka when that read the topic: its user was not accepted.
    SUPERSEDED = "SUPERSEDED"
    USER_HAS_OTHER_SERIAL = "USER_HAS_OTHER_SERIAL"
    BATCH_FAILED = "BATCH_FAILED"  # Lambda gave up its whole batch; perhaps it was even written
    UNREADABLE = "UNREADABLE"  # not a record: a whole batch that cannot be unpacked
    NOT_INSERTED = "NOT_INSERTED"  # MySQL refused it, and none of the above explains why


class FailedStatus(StrEnum):
    """How far the redrive has come with a failed event."""

    PENDING = "PENDING"
    RESOLVED = "RESOLVED"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record as it was received."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    request_id: str = ""  # of the apply that sent it, to trace one coupon in the logs
    traceparent: str = ""  # of what sent it; "" where it was sent without traces


@dataclass(frozen=True, slots=True)
class UnreadableBatch:
    """Records of a partition that cannot be unpacked, from `offset` to before `following`."""

    topic: str
    partition: int
    offset: int
    following: int
    data: bytes  # as the broker sent it
    cause: str

    @property
    def place(self) -> str:
        """Where it is, as in logs and commands: topic-partition@offset."""
        return f"{self.topic}-{self.partition}@{self.offset}"


class DecodedRecord(NamedTuple):
    """A record that was decoded.

    `origin` makes the Record on demand, since only a record that cannot be written needs it.
    """

    coupon: CouponAccepted
    origin: Callable[[], Record]

    @property
    def record(self) -> Record:
        """The record as it was received."""
        return self.origin()

    @property
    def position(self) -> Position:
        """Where it is in Kafka."""
        record = self.origin()
        return Position(record.topic, record.partition, record.offset)


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """A record, why it failed, and its campaign and user where they could be read."""

    record: Record
    reason: Reason
    detail: str
    campaign_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that is written, and whose coupon its user does not have any more.

    It was given back, or the user was erased. Redis must not hear of the user from it.
    """
