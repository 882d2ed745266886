"""The events of a history, with times, to explain a violation."""

from __future__ import annotations

import time
from threading import Lock


class Journal:
    """Lines with the seconds since the history started; several threads write them."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._lock = Lock()
        self.lines: list[str] = []

    @property
    def now_s(self) -> float:
        """Seconds since the history started."""
        return time.monotonic() - self._started

    def note(self, what: str) -> None:
        """Add a line."""
        with self._lock:
            self.lines.append(f"{self.now_s:7.3f}  {what}")
