"""Adds up what the worker processes of a program report."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from local.metrics.reporter import LOCK, NUMBERS, has_ended
from local.metrics.snapshot import from_json, total, without_gauges

if TYPE_CHECKING:
    from pathlib import Path

    from local.metrics.snapshot import Snapshot


class WorkersNumbers:
    """The sums of a folder of reports. Counts of processes that have ended are kept in memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ended: Snapshot = {}
        self._lock = Lock()

    def __call__(self) -> Snapshot:
        """Return the sums of now; any thread may call it."""
        with self._lock:
            living = [self._read(lock) for lock in sorted(self._directory.glob(f"*{LOCK}"))]
            return total([self._ended, *living])

    def _read(self, lock: Path) -> Snapshot:
        """Return the numbers of a living process; keep those of one that has ended."""
        ended = has_ended(lock)  # before its last report is read
        numbers: Snapshot = {}
        with suppress(FileNotFoundError):  # it has not reported yet
            numbers = from_json(lock.with_suffix(NUMBERS).read_text(encoding="utf-8"))
        if not ended:
            return numbers
        self._ended = total([self._ended, without_gauges(numbers)])
        lock.with_suffix(NUMBERS).unlink(missing_ok=True)
        lock.unlink()
        return {}
