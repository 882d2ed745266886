"""Retries, up to a deadline, while servers are still starting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Report = Callable[[str], None]

# Short enough to add no noticeable delay; long enough not to load a starting server.
RETRY_AFTER_S = 0.25
# The operator wants to see that the program is still running.
REPORT_EVERY_S = 5.0


class SetupError(Exception):
    """Setup failed for a reason that the operator can fix; the message names it."""


class ServerUnreachableError(SetupError):
    """A server did not respond in time."""


class RetryDeadline:
    """One deadline for everything that a program has to wait for."""

    def __init__(self, wait_s: float, report: Report, *, hard: bool = False) -> None:
        """Take how long to wait; hard: work that is running at the deadline must end as well."""
        self.wait_s = wait_s
        self.hard = hard
        self.report = report
        self._deadline = time.monotonic() + wait_s

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never below 0."""
        return max(0.0, self._deadline - time.monotonic())

    def at_most(self, seconds: float) -> float:
        """Return `seconds`, limited to the time left where the deadline is hard."""
        return min(seconds, self.left_s) if self.hard else seconds

    def retry_until_ready(
        self, server: str, ask: Callable[[], T], is_transient: Callable[[Exception], bool]
    ) -> T:
        """Return what `ask` returns; repeat it while `is_transient` holds for its error.

        Raises ServerUnreachableError at the deadline, and any other error at once.
        """
        next_report = time.monotonic()
        while True:
            try:
                return ask()
            except Exception as error:
                if not is_transient(error):
                    raise
                if not self.left_s:
                    message = f"{server} is out of reach ({self.wait_s:g} s waited): {error}"
                    raise ServerUnreachableError(message) from error
            if time.monotonic() >= next_report:
                self.report(f"waiting for {server} …")
                next_report = time.monotonic() + REPORT_EVERY_S
            # A server that is not up yet has no event to wait for.
            time.sleep(min(RETRY_AFTER_S, self.left_s))
