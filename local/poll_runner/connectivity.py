"""Logs once that a server is unreachable, and once that it is back."""

from __future__ import annotations

import time

from local.json_log import log_event


class ConnectivityLog:
    """The last known state of the connection to Kafka, with a log line at each change."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._lost_at_s: float | None = None

    @property
    def lost(self) -> bool:
        """Whether the last attempt failed."""
        return self._lost_at_s is not None

    def failed(self, error: Exception) -> None:
        """Record a failed attempt; only the first in a row is logged."""
        if self._lost_at_s is None:
            self._lost_at_s = time.monotonic()
            # The text of kafka-python's errors begins with the error's name.
            log_event("WARNING", "Kafka is out of reach", servers=self._servers, error=str(error))

    def succeeded(self) -> None:
        """Record a reply; it is logged if the last attempt had failed."""
        if self._lost_at_s is not None:
            lost_s = round(time.monotonic() - self._lost_at_s, 1)
            self._lost_at_s = None
            log_event("INFO", "Kafka is back", servers=self._servers, after_s=lost_s)
