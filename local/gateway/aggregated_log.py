"""Logs how often an event occurred that is too frequent for one line each time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.json_log import log_event

if TYPE_CHECKING:
    import asyncio

# One line per second costs nothing, and shows the course of a burst.
INTERVAL_S = 1.0

Kind = tuple[str | int, ...]


class AggregatedLog:
    """Counts events by kind; writes one line per kind, INTERVAL_S after the first and at close.

    names: of the fields that make a kind.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, level: str, message: str, names: tuple[str, ...] = ()
    ) -> None:
        self._loop = loop
        self._level = level
        self._message = message
        self._names = names
        self._counts: Counter[Kind] = Counter()

    def count(self, *kind: str | int) -> None:
        """Count one event of `names`' values. There must be few: none that a client can choose."""
        if not self._counts:
            self._loop.call_later(INTERVAL_S, self.write)
        self._counts[kind] += 1

    def write(self) -> None:
        """Write the counts since the last write."""
        counts, self._counts = self._counts, Counter()
        for kind, count in counts.items():
            about = dict(zip(self._names, kind, strict=True))
            log_event(self._level, self._message, count=count, **about)
