"""Waits until every admission has arrived in MySQL, for as long as that may still happen.

An admission that Kafka did not acknowledge in time, as happens on a busy machine, waits for the
relay. That is late, and not lost: only what no longer moves is not waited for.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.retry import Report

POLL_INTERVAL_S = 0.1
# How often it is said what is waited for, once that is late.
REPORT_EVERY_S = 5.0
# On top of the relay's time: a rebuild, a consumer that joins its group again, a server that starts
# again and recovers. What has not moved for so long does not move by itself.
STILL_MARGIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What has not arrived at one moment."""

    missing_rows: int
    pending: int  # admissions that Redis does not yet know to be in MySQL

    @property
    def total(self) -> int:
        """0 when everything has arrived."""
        return self.missing_rows + self.pending

    def __str__(self) -> str:
        return f"{self.missing_rows:,} rows are missing, {self.pending:,} admissions are pending"


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the waiting ended; times in seconds from its beginning."""

    window_s: float
    took_s: float
    left: Outstanding

    @property
    def lateness(self) -> str:
        """A clause about what arrived after the window; empty when all came within it."""
        if self.left.total or self.took_s <= self.window_s:
            return ""
        return f"the last one arrived after {self.took_s:.0f} s, and {self.window_s:g} s is in time"


class Clock(Protocol):
    """Time, and a pause that a test need not wait for."""

    def now(self) -> float:
        """Return seconds on a clock that only rises."""

    def pause(self, seconds: float) -> None:
        """Wait."""


class _Monotonic:
    def now(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        threading.Event().wait(seconds)


def await_arrival(
    look: Callable[[], Outstanding],
    window_s: float,
    relay_within_s: float,
    report: Report,
    clock: Clock | None = None,
) -> Arrival:
    """Return once everything has arrived, or nothing can be expected to any more.

    It waits for `window_s`, and then as long as the last arrival is not longer ago than the relay,
    which acts within `relay_within_s`, may take. `report` gets a line about it every few seconds.
    """
    clock = clock or _Monotonic()
    still_s = relay_within_s + STILL_MARGIN_S
    started = moved = clock.now()
    fewest, reported_s = look().total, window_s
    while True:
        left, now = look(), clock.now()
        took_s = now - started
        if left.total < fewest:
            fewest, moved = left.total, now
        if not left.total or (took_s >= window_s and now - moved >= still_s):
            return Arrival(window_s, took_s, left)
        if took_s >= reported_s:
            reported_s = took_s + REPORT_EVERY_S
            relay = f"the relay sends them again within {relay_within_s:g} s"
            end = f"the waiting ends after {still_s:g} s without an arrival"
            report(f"late: {left} after {took_s:.0f} s; {relay}; {end}")
        clock.pause(POLL_INTERVAL_S)
