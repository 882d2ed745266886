"""The fence of a campaign counts its histories in Redis: each rebuild begins the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Position(NamedTuple):
    """Where a record is in Kafka."""

    topic: str
    partition: int
    offset: int


class Unwritten(NamedTuple):
    """A record that is not yet a row of MySQL, and where it is in Kafka."""

    value: bytes | None
    position: Position


class FenceOffset(NamedTuple):
    """How far the rebuild of a fence has read one partition: up to this offset, exclusive."""

    fence: int
    topic: str
    partition: int
    offset: int


def is_late(fence: int, position: Position, offsets: Iterable[FenceOffset]) -> bool:
    """Return whether a rebuild has missed a record: it was sent before, and arrived behind its end.

    Its user was not accepted: apply confirms the history after Kafka's acknowledgement. The rebuild
    may have given its serial to another user. A record without a fence (0) is never late.
    """
    return fence > 0 and any(
        one.fence > fence
        and (one.topic, one.partition) == (position.topic, position.partition)
        and position.offset >= one.offset
        for one in offsets
    )
