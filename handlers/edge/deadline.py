"""The time that is left for a task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

# Time to write the log line and return; Lambda kills what is still running at the deadline.
RESERVE_MS = 1000


class Deadline:
    """The end of a task's time; checked before each step."""

    def __init__(self, left_ms: Callable[[], float]) -> None:
        self._left_ms = left_ms

    @classmethod
    def of(cls, context: Any) -> Deadline:
        """Return the deadline of an invocation; infinite without Lambda's context."""
        return cls(getattr(context, "get_remaining_time_in_millis", lambda: float("inf")))

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return a deadline that many seconds from now."""
        end = time.monotonic() + seconds
        return cls(lambda: (end - time.monotonic()) * 1000)

    @property
    def left_s(self) -> float:
        """Seconds that are left for work; infinite without a deadline."""
        return max(0.0, (self._left_ms() - RESERVE_MS) / 1000)

    def require(self, needed_ms: int) -> None:
        """Raise UnavailableError unless a step that may take `needed_ms` still fits.

        The next run may come further, and says why this one did not, which a killed one cannot.
        """
        if not self.allows(needed_ms):
            message = "this function's time is over"
            raise UnavailableError(message)

    def allows(self, needed_ms: int) -> bool:
        """Return whether a step that may take `needed_ms` still fits."""
        return self._left_ms() > needed_ms + RESERVE_MS
