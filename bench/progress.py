"""The progress output of the benchmark."""

from __future__ import annotations

import sys
import time


class Progress:
    """Reports what is being measured, and the time since the start."""

    def __init__(self, cases: int) -> None:
        """Start the clock."""
        self._cases = cases
        self._started = 0
        self._started_s = time.monotonic()

    @property
    def seconds(self) -> int:
        """Seconds since the start."""
        return round(time.monotonic() - self._started_s)

    def begin(self, title: str) -> None:
        """Announce the next case."""
        self._started += 1
        self.say(f"{self._started} of {self._cases} cases: {title}")

    def say(self, line: str) -> None:
        """Write a line to stderr, with the minutes and seconds since the start."""
        minutes, seconds = divmod(self.seconds, 60)
        print(f"bench {minutes:3}:{seconds:02}  {line}", file=sys.stderr, flush=True)
