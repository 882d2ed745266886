"""The named points of a history: positions in the real programs where one of them can be ended.

A file with the name of a point in the folder SEONCHAK_FAULT_POINTS arms it; the first process that
reaches it removes the file and dies as by kill -9 (or pauses for a time, when the file
says so, or until the engine releases it). The service has none of this code: `entry` wraps its
adapters from outside.
"""

from __future__ import annotations

import os
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "SEONCHAK_FAULT_POINTS"
KILLED = 137  # 128 + SIGKILL, as in a shell
POLL_INTERVAL_S = 0.01

# Program -> the points that it can reach.
GATEWAY = (
    "gateway.admitted",
    "gateway.unsent",
    "gateway.sending",
    "gateway.sent",
    "gateway.confirmed",
)
# Of an apply that writes the row itself.
DIRECT = (
    "gateway.writing",
    "gateway.commit-before",
    "gateway.committed",
    "gateway.written",
    "gateway.settled",
)
# Of a shop's call, a place that is returned, a change of a campaign. The scheduler completes them.
COUPON_STATE = ("gateway.state-writing", "gateway.state-changed")
RETURNED_PLACE = ("gateway.ended", "gateway.place-passed-on", "scheduler.place-passed-on")
CAMPAIGN_CHANGE = (
    "gateway.narrowed",
    "gateway.changed",
    "gateway.pushed",
    "scheduler.changed",
    "scheduler.pushed",
)
CONSUMER = (
    "poller.inserted",
    "poller.commit-before",
    "poller.committed",
    "poller.settled",
)
RELAY = ("scheduler.overdue", "scheduler.sending", "scheduler.resent")
REDRIVE = (
    "scheduler.reassigned",
    "scheduler.rewritten",
    "scheduler.marked",
    "scheduler.redriven",
    "scheduler.settled",
)
REBUILD = (
    "scheduler.epoch-begun",
    "scheduler.fence-raised",
    "scheduler.begun",
    "scheduler.topic-begun",
    "scheduler.kept",
    "scheduler.topic-read",
    "scheduler.offsets-stored",
    "scheduler.restored",
    "scheduler.released",
    "scheduler.reopened",
    "scheduler.revived",
    "scheduler.renewed",
)


def held(points: Path) -> Path:
    """Return the folder with a file for each pause under way; who removes the file ends it."""
    return points.parent / "held"


class Points:
    """The points of one process; its role is the prefix of every name."""

    def __init__(self, role: str, folder: Path) -> None:
        self._role = role
        self._folder = folder

    def wrap(
        self,
        owner: Any,
        method: str,
        *,
        before: str = "",
        after: str = "",
        when: Callable[[Any], object] = lambda _: True,
    ) -> None:
        """Add a point before a method, and one after it when its result satisfies `when`."""
        original: Callable[..., Any] = getattr(owner, method)

        @wraps(original)
        def wrapped(*args: Any, **named: Any) -> Any:
            if before:
                self.reached(before)
            result = original(*args, **named)
            if after and when(result):
                self.reached(after)
            return result

        setattr(owner, method, wrapped)

    def reached(self, name: str) -> None:
        """Die here, or pause here, when this point is armed."""
        point = self._folder / f"{self._role}.{name}"
        if not point.exists():
            return
        taken = point.with_name(f"{point.name}.{os.getpid()}")
        try:
            point.rename(taken)
        except FileNotFoundError:
            return  # another process was faster
        held_s = float(taken.read_text() or 0)
        taken.unlink()
        if not held_s:
            os._exit(KILLED)
        self._pause(name, time.monotonic() + held_s)

    def _pause(self, name: str, until_s: float) -> None:
        # The time is first: the engine releases in the order of the pauses.
        pause = held(self._folder) / f"{time.monotonic_ns():020}.{self._role}.{name}"
        pause.touch()
        while pause.exists() and time.monotonic() < until_s:
            time.sleep(POLL_INTERVAL_S)
        pause.unlink(missing_ok=True)
