"""The time of a history: it passes only when the test says so."""

from __future__ import annotations

import time

from handlers.domain.rejection_cache import EXPIRED_S


class Clock:
    """Replaces the module `time` in the handlers."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Pusher:
    """Replaces the module `time` where a widened campaign waits for what processes remember."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        """Let Redis's own time pass, and in the history as much as a rejection is remembered."""
        time.sleep(seconds)
        self._clock.sleep(EXPIRED_S)
