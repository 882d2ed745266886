"""The time of a history: it passes only when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.actors import Stage


class Clock:
    """Replaces the module `time` in the handlers."""

    def __init__(self, stage: Stage) -> None:
        self.now = 0.0
        self._stage = stage

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pause the caller until its time has come; for the test itself, time passes."""
        deadline = self.now + seconds
        self._stage.pause("wait", deadline)
        self.now = max(self.now, deadline)
