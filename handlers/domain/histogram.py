"""Counts over time in few buckets, whatever the span; and quantiles of counted values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Each width is a multiple of the one before, so buckets can be united without looking at the times
# again. A burst is over in a second; a campaign may last for years.
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
WIDTHS_MS = (
    10,
    100,
    SECOND_MS,
    10 * SECOND_MS,
    MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
    7 * DAY_MS,
    70 * DAY_MS,
    700 * DAY_MS,
    70_000 * DAY_MS,
)
# A plot of so many can still be read, and a response with them has some kilobytes.
BUCKETS_MAX = 200


@dataclass(slots=True)
class TimeHistogram:
    """How many in each bucket, of those that have any; a bucket `n` begins at n × width_ms.

    Begins with the narrowest width. As soon as there are more than BUCKETS_MAX the next one counts:
    a single time far away costs one bucket and no precision.
    """

    width_ms: int = WIDTHS_MS[0]
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, buckets: Iterable[tuple[int, int]]) -> None:
        """Add (number of a bucket of the present width, how many)."""
        for number, count in buckets:
            self.counts[number] += count
        while len(self.counts) > BUCKETS_MAX:
            self._widen()

    def _widen(self) -> None:
        width_ms = WIDTHS_MS[WIDTHS_MS.index(self.width_ms) + 1]
        factor = width_ms // self.width_ms
        united: Counter[int] = Counter()
        for number, count in self.counts.items():
            united[number // factor] += count
        self.width_ms, self.counts = width_ms, united

    def buckets(self) -> list[tuple[int, int]]:
        """Return (when a bucket begins, in ms since 1970; how many) in the order of time."""
        return [(number * self.width_ms, count) for number, count in sorted(self.counts.items())]


def quantile(counted: Counter[int], share: float) -> int | None:
    """Return the least value that at least this share of all reaches; None without any."""
    due = share * counted.total()
    so_far = 0
    for value, count in sorted(counted.items()):
        so_far += count
        if so_far >= due:
            return value
    return None
