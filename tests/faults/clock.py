"""Steps the wall clock of the service's programs: what a machine's clock that jumps does to them.

Redis and MySQL keep their own time, and what waits or is due goes by the monotonic clock, so that
a step must change nothing but what is written down as a time.
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
# A step is noticed within this time; asking the file system each time would be slow.
POLL_INTERVAL_S = 0.05


def file(points: Path) -> Path:
    """Return the file that holds by how many seconds the programs of this world are wrong."""
    return points.parent / NAME


def follow(points: Path) -> None:
    """Let this process's clock be as wrong as the file says."""
    time.time = _stepped(file(points), time.time)
    vars(api_jwt)["datetime"] = _SteppedDatetime


def _stepped(step: Path, true_time: Callable[[], float]) -> Callable[[], float]:
    known = [0.0, 0.0]  # seconds off, and when to look again (monotonic)

    def stepped() -> float:
        if time.monotonic() > known[1]:
            try:
                known[0] = float(step.read_text())
            except (OSError, ValueError):
                known[0] = 0.0
            known[1] = time.monotonic() + POLL_INTERVAL_S
        return true_time() + known[0]

    return stepped


class _SteppedDatetime(datetime):
    """Reads the same clock as time.time()."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        instant: Any = cls.fromtimestamp(time.time(), tz)
        return instant  # type: ignore[no-any-return]
