"""A limit on how often one user may apply, kept in the memory of this process."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Bounds the memory: about 100 bytes a user. Beyond that many users a second the counts start anew.
USERS_MAX = 100_000


class Throttle:
    """Counts calls per user in windows of one second; far above any person, it stops machines."""

    def __init__(self, calls_per_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls_per_s = calls_per_s
        self._clock = clock
        self._lock = Lock()
        self._window = 0
        self._calls: dict[str, int] = {}

    def allows(self, user_id: str) -> bool:
        """Count a call; return False when this user has had too many within the second."""
        window = int(self._clock())
        with self._lock:
            if window != self._window or len(self._calls) >= USERS_MAX:
                self._window, self._calls = window, {}
            calls = self._calls.get(user_id, 0) + 1
            self._calls[user_id] = calls
        return calls <= self._calls_per_s
