"""Unread records of the topic, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.kafka.topic_reader import Backlog
from handlers.domain.fence import Position, Unwritten

if TYPE_CHECKING:
    from collections.abc import Iterable


def backlog_of(values: Iterable[bytes | None]) -> Backlog:
    """Return a backlog that has been read already, of one partition."""
    records = [
        Unwritten(value, Position("coupon_create", 0, offset))
        for offset, value in enumerate(values)
    ]
    return Backlog((record for record in records), {0: len(records)})


def values_of(backlog: Backlog) -> list[bytes | None]:
    """Read a backlog to its end."""
    return [record.value for record in backlog.records]
