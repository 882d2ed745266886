"""Writes admissions to MySQL from apply, where Kafka does not acknowledge them.

The threads that wait are one transaction: the first one writes the rows of all (group commit, as in
DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). Each process
writes one group at a time, so an outage of Kafka does not become a burst on MySQL.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from handlers import log
from handlers.domain import metrics
from handlers.domain.errors import LedgerRefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.adapters.mysql.ledger import Ledger
    from handlers.domain.coupon import CouponAccepted

GROUP_MAX = 500  # rows in one transaction: some 20 ms
# More than can be written while an applicant waits.
QUEUE_MAX = 10_000
WAIT_S_MAX = 3.0
# After a failure no applicant waits for MySQL for so long.
PAUSE_S = 1.0


@dataclass(slots=True)
class _Waiting:
    """A row that a thread waits for."""

    coupon: CouponAccepted
    is_queued: bool = True
    is_written: bool = False


class DirectWriter:
    """Writes rows in groups; shared by all threads."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = Lock()  # of the queue
        self._writing = Lock()
        self._queue: list[_Waiting] = []
        self._paused_until = 0.0

    def write_all(self, admitted: Sequence[CouponAccepted]) -> list[bool]:
        """Write rows; return for each whether MySQL has it.

        False: it has not, or that is unknown. A row is written only under the fence that admitted
        the user. Takes WAIT_S_MAX and one transaction at most.
        """
        rows = [_Waiting(coupon, is_queued=False) for coupon in admitted]
        if self._enqueue([row for row in rows if row.coupon.fence]):
            self._write_until_done(rows)
        written = sum(row.is_written for row in rows)
        metrics.DIRECT_WRITES.inc(("written",), written)
        metrics.DIRECT_WRITES.inc(("unwritten",), len(rows) - written)
        return [row.is_written for row in rows]

    def _enqueue(self, rows: Sequence[_Waiting]) -> bool:
        with self._lock:
            has_room = len(self._queue) + len(rows) <= QUEUE_MAX
            if not has_room or self._clock() < self._paused_until:
                return False
            for row in rows:
                row.is_queued = True
            self._queue += rows
        return True

    def _write_until_done(self, rows: Sequence[_Waiting]) -> None:
        deadline = self._clock() + WAIT_S_MAX
        # A thread that gets this lock finds its rows written by the one before, or in the queue.
        while any(row.is_queued for row in rows):
            left_s = deadline - self._clock()
            if left_s <= 0 or not self._writing.acquire(timeout=left_s):
                self._give_up(rows)
                return
            try:
                self._write_group()
            finally:
                self._writing.release()

    def _give_up(self, rows: Sequence[_Waiting]) -> None:
        with self._lock:
            for row in rows:
                row.is_queued = False
            self._queue = [row for row in self._queue if row.is_queued]

    def _write_group(self) -> None:
        with self._lock:
            group, self._queue = self._queue[:GROUP_MAX], self._queue[GROUP_MAX:]
        try:
            written = self._ledger.write_direct([row.coupon for row in group]) if group else set()
        except (UnavailableError, LedgerRefusedError):
            log.exception("admissions are neither in Kafka nor in MySQL", {"coupons": len(group)})
            self._pause()
        else:
            for row in group:
                row.is_written = row.coupon in written
        finally:
            for row in group:
                row.is_queued = False

    def _pause(self) -> None:
        """Let all who wait keep their place: MySQL would let each of them wait as long."""
        with self._lock:
            self._paused_until = self._clock() + PAUSE_S
            for row in self._queue:
                row.is_queued = False
            self._queue = []
