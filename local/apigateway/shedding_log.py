"""Says in the log that requests are shed: how many, but not each."""

from __future__ import annotations

import time

from local.log_line import log_line

# Under overload a line for each would be one more load.
INTERVAL_S = 1.0


class SheddingLog:
    """Counts; writes a line at once, then at most one in each interval."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet_until = 0.0

    def count(self) -> None:
        """Count one request."""
        self._count += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            log_line("WARNING", "too many requests: shed with 503", count=self._count)
            self._count, self._quiet_until = 0, now + INTERVAL_S
