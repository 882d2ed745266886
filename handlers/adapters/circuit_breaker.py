"""A circuit breaker: after repeated failures, callers do not wait for another one.

The pattern is Michael Nygard's (Release It!, 2007): closed, open for a while, then one probe.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from handlers.domain import metrics

if TYPE_CHECKING:
    from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row; safe to use from many threads."""

    def __init__(
        self,
        failures_max: int,
        open_s: float,
        clock: Callable[[], float] = time.monotonic,
        server: str = "",
    ) -> None:
        """Open after `failures_max` failures in a row, for `open_s` at a time.

        server: what its metric names; "" for none, where there may be many.
        """
        self._server = server
        self._failures_max = failures_max
        self._open_s = open_s
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether only a probe may try."""
        return self._failures >= self._failures_max

    def allows(self) -> bool:
        """Return whether to try; while open, only one caller per `open_s` may (the probe)."""
        with self._lock:
            if not self.is_open:
                return True
            now = self._clock()
            if now < self._probe_at:
                return False
            self._probe_at = now + self._open_s
            return True

    def succeeded(self) -> None:
        """Close the breaker."""
        with self._lock:
            was_open, self._failures = self.is_open, 0
        if was_open and self._server:
            metrics.CIRCUIT_OPEN.shift((self._server,), -1)

    def failed(self) -> bool:
        """Count a failure; return True when the breaker is open now."""
        with self._lock:
            was_open = self.is_open
            self._failures += 1
            self._probe_at = self._clock() + self._open_s
            is_open = self.is_open
        if is_open and not was_open and self._server:
            metrics.CIRCUIT_OPEN.shift((self._server,), 1)
        return is_open
