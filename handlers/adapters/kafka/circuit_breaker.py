"""A circuit breaker: after repeated failures, callers do not wait for another one.

The pattern is Michael Nygard's (Release It!, 2007): closed, open for a while, then one probe.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# One lost ack is bad luck (a leader election); three in a row are an outage.
FAILURES_MAX = 3
# Long enough that nearly no caller waits, short enough to notice soon that the outage is over.
OPEN_S = 5.0


class CircuitBreaker:
    """Counts failures in a row; safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._probe_at = 0.0

    def allows(self) -> bool:
        """Return whether to try; while open, only one caller per OPEN_S may (the probe)."""
        with self._lock:
            if self._failures < FAILURES_MAX:
                return True
            now = self._clock()
            if now < self._probe_at:
                return False
            self._probe_at = now + OPEN_S
            return True

    def succeeded(self) -> None:
        """Close the breaker."""
        with self._lock:
            self._failures = 0

    def failed(self) -> bool:
        """Count a failure; return True when the breaker is open now."""
        with self._lock:
            self._failures += 1
            self._probe_at = self._clock() + OPEN_S
            return self._failures >= FAILURES_MAX
