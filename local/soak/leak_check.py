"""Whether something grows: a straight line through the samples after the warm-up.

A leak grows steadily, so its line rises from the first sample to the last. Memory that is filled
once (caches, pools, arenas of the allocator) has its step in the warm-up; noise has no slope.
"""

from __future__ import annotations

from statistics import linear_regression
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# The part of a run at its beginning in which caches, pools and connections are filled. Each thread
# of the gateway opens its own connections, at its first request of a kind.
WARM_UP_SHARE = 0.25
WARM_UP_S_MIN = 20.0
SAMPLES_MIN = 3
MIB = 1024 * 1024
# How far the line may rise over the whole run, for a run of any length.
# The allocator of a Python program moves by up to 8 MiB without a leak; a leak of 100 bytes in
# each request of the default load exceeds that within some twenty minutes.
RISE_MAX = {"rss_bytes": 8 * MIB, "threads": 4, "files": 8}


class Growth(NamedTuple):
    """One measure of one program over a run."""

    program: str
    measure: str
    first: float
    last: float
    rise: float
    rise_max: float

    @property
    def is_bounded(self) -> bool:
        """Whether the line rises within its limit."""
        return self.rise <= self.rise_max


def growth(program: str, measure: str, times_s: Sequence[float], values: Sequence[float]) -> Growth:
    """Return how far the line through the values after the warm-up rises until the end.

    Raises ValueError when there are too few samples to say anything.
    """
    start_s = times_s[0] + warm_up_s(times_s[-1] - times_s[0]) if times_s else 0.0
    kept = [(at, value) for at, value in zip(times_s, values, strict=True) if at >= start_s]
    if len(kept) < SAMPLES_MIN:
        message = f"{len(kept)} samples after the warm-up are too few: let it run longer"
        raise ValueError(message)
    slope = linear_regression(*zip(*kept, strict=True)).slope
    rise = slope * (kept[-1][0] - kept[0][0])
    return Growth(program, measure, kept[0][1], kept[-1][1], rise, RISE_MAX[measure])


def warm_up_s(run_s: float) -> float:
    """Return how many seconds of a run of so many seconds are its warm-up."""
    return max(WARM_UP_S_MIN, WARM_UP_SHARE * run_s)
