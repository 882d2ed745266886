"""Steps the wall clock of the service's programs, as a machine's clock that jumps would.

Redis and MySQL keep their own time, and waiting and due times use the monotonic clock, so a
step must change nothing but the times that are written down.
"""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Self

from jwt import api_jwt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "clock"
# A step takes effect within this time; reading the file on each call would be slow.
POLL_INTERVAL_S = 0.05


def file(points: Path) -> Path:
    """Return the file with the clock offset, in seconds, of this cluster's programs."""
    return points.parent / NAME


def follow(points: Path) -> None:
    """Shift this process's clock by the offset in the file."""
    time.time = _stepped(file(points), time.time)
    vars(api_jwt)["datetime"] = _SteppedDatetime


def _stepped(step: Path, true_time: Callable[[], float]) -> Callable[[], float]:
    cached = [0.0, 0.0]  # offset in seconds, and when to read again (monotonic)

    def stepped() -> float:
        if time.monotonic() > cached[1]:
            try:
                cached[0] = float(step.read_text())
            except (OSError, ValueError):
                cached[0] = 0.0
            cached[1] = time.monotonic() + POLL_INTERVAL_S
        return true_time() + cached[0]

    return stepped


class _SteppedDatetime(datetime):
    """Reads the same clock as time.time()."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        instant: Any = cls.fromtimestamp(time.time(), tz)
        return instant  # type: ignore[no-any-return]
