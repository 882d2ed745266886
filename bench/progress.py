"""What a person sees who waits for the benchmark."""

from __future__ import annotations

import sys
import time


class Progress:
    """Tells what is being measured, and how long it has been going on."""

    def __init__(self, cases: int) -> None:
        """Begin to count the time."""
        self._cases = cases
        self._begun = 0
        self._started_s = time.monotonic()

    @property
    def seconds(self) -> int:
        """Since the beginning."""
        return round(time.monotonic() - self._started_s)

    def begin(self, title: str) -> None:
        """Announce the next case."""
        self._begun += 1
        self.say(f"{self._begun} of {self._cases} cases: {title}")

    def say(self, line: str) -> None:
        """Write a line to stderr, with the minutes and seconds since the beginning."""
        minutes, seconds = divmod(self.seconds, 60)
        print(f"bench {minutes:3}:{seconds:02}  {line}", file=sys.stderr, flush=True)
