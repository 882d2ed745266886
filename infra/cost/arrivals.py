"""When users apply: most of them at the opening, fewer with every minute."""

from __future__ import annotations

import math
from dataclasses import dataclass

HALVINGS = 60  # more than a float has bits: the interval gets no smaller


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`total` arrivals in `window_s`, at a rate that falls exponentially after the opening.

    `peak` is the rate at the opening over the mean rate; 1 means that it does not fall.
    """

    total: float
    window_s: float
    peak: float

    def within(self, seconds: float) -> float:
        """Return how many arrive in the first `seconds`."""
        part = min(seconds / self.window_s, 1.0)
        fall = _fall(self.peak)
        return self.total * (math.expm1(-fall * part) / math.expm1(-fall) if fall else part)

    def until(self, count: float) -> float | None:
        """Return the second by which `count` have arrived; None where fewer arrive in all."""
        if count > self.total:
            return None
        if count == self.total:
            return self.window_s
        fall = _fall(self.peak)
        share = count / self.total
        if not fall:
            return self.window_s * share
        return -self.window_s / fall * math.log1p(share * math.expm1(-fall))


def _fall(peak: float) -> float:
    """Return how many e-foldings the rate falls by: the x > 0 with x = peak · (1 - e^-x)."""
    if peak <= 1:
        return 0.0
    low, high = math.log(peak), peak  # below the first, the right side is greater
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle < -peak * math.expm1(-middle):
            low = middle
        else:
            high = middle
    return high
