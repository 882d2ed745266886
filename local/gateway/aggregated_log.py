"""Says in the log how often something happened that is too frequent for a line each time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.json_log import log_event

if TYPE_CHECKING:
    import asyncio

# A line a second is no load, and shows the course of a burst.
INTERVAL_S = 1.0

Kind = tuple[tuple[str, str | int], ...]  # what tells one kind from another: fields of its line


class AggregatedLog:
    """Counts by kind; writes a line for each some time after its first, and at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, level: str, message: str) -> None:
        self._loop = loop
        self._level = level
        self._message = message
        self._counts: Counter[Kind] = Counter()

    def count(self, *kind: tuple[str, str | int]) -> None:
        """Count one more. There must be few kinds: nothing that a client may invent."""
        if not self._counts:
            self._loop.call_later(INTERVAL_S, self.write)
        self._counts[kind] += 1

    def write(self) -> None:
        """Write what was counted since the last time."""
        counts, self._counts = self._counts, Counter()
        for kind, count in counts.items():
            log_event(self._level, self._message, count=count, **dict(kind))
