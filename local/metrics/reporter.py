"""Writes the numbers of a worker process into a file, where the program's port finds them.

A file for each process: it outlives a process that is killed, so nothing that was written is lost.
A lock that the process holds all its life says whether it lives; the kernel takes it away, however
the process ends. So no number of a process that has ended is taken for one that still holds.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from typing import TYPE_CHECKING

from handlers.domain import metrics
from handlers.log import error_fields
from local.json_log import log_event
from local.metrics.snapshot import snapshot, to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What a process that is killed loses is what it counted since the last report.
INTERVAL_S = 1.0
NUMBERS, LOCK, NEW = ".json", ".lock", ".new"


class Reporter:
    """Reports this process's numbers, from a thread of its own."""

    def __init__(self, directory: Path, measure: Callable[[], None] | None = None) -> None:
        """Begin to count. measure: sets this process's gauges before each report."""
        self._measure = measure
        # A process in whose place this one was started may have had the same id.
        self._numbers = directory / f"{os.getpid()}-{secrets.token_hex(4)}{NUMBERS}"
        self._written = ""
        self._stopped = threading.Event()
        self._writing = threading.Lock()
        metrics.switch_on()
        self._lock = _hold(self._numbers.with_suffix(LOCK))
        self.report()

    def start(self) -> Callable[[], None]:
        """Report every second; return what reports for the last time."""
        threading.Thread(target=self._repeat, name="metrics", daemon=True).start()
        return self.close

    def close(self) -> None:
        """Report for the last time."""
        self._stopped.set()
        self._report_or_log()

    def report(self) -> None:
        """Write the numbers, if they have changed: whole or not at all."""
        if self._measure:
            self._measure()
        with self._writing:
            text = to_json(snapshot())
            if text != self._written:
                new = self._numbers.with_suffix(NEW)
                new.write_text(text, encoding="utf-8")
                new.replace(self._numbers)
                self._written = text

    def _repeat(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            self._report_or_log()

    def _report_or_log(self) -> None:
        try:
            self.report()
        except OSError as error:  # a full disk must not stop what is counted
            log_event("ERROR", "metrics are not reported", **error_fields(error))


def _hold(path: Path) -> int:
    """Make a file that this process has locked before anyone can see it; return its descriptor."""
    new = path.with_suffix(NEW)
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    new.replace(path)
    return descriptor


def has_ended(path: Path) -> bool:
    """Return whether the process that made this lock file has ended."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
