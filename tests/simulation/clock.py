"""The time of a history: it passes only when the test says so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from handlers import apply, rebuild, relay
from handlers.adapters.redis import campaign_changes
from handlers.domain import returned_places
from handlers.domain.rejection_cache import EXPIRED_S

if TYPE_CHECKING:
    import pytest

# Instead of EXPIRED_S, which passes as a whole in a history.
PUSH_MS = 3


class Clock:
    """Replaces the module `time` in the handlers."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def replace_time(self, patch: pytest.MonkeyPatch) -> None:
        """Let the programs take the time from here."""
        for module in (apply, relay, rebuild, returned_places):
            patch.setattr(module, "time", self)
        # The script compares this with the time of Redis, which passes by itself.
        patch.setattr(campaign_changes, "EXPIRED_MS", PUSH_MS)
        patch.setattr(campaign_changes, "time", Pusher(self))


class Pusher:
    """Replaces it where a campaign that grows waits for what processes remember."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        """Let Redis's own time pass, and in the history as much as a rejection is remembered."""
        time.sleep(seconds)
        self._clock.sleep(EXPIRED_S)
