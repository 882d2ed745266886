"""The coupons in MySQL: watched while they arrive, and read at the end."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

import pymysql

from handlers.adapters.migration.schema import connect
from handlers.domain import times
from local.harness.observations import Row
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from handlers.config import DatabaseAddress

# The precision of "time to the last row"; MySQL's reply takes a fraction of it.
POLL_S = 0.005
COUNT = "SELECT COUNT(*) FROM coupon WHERE campaign_id = %s"
ROWS = "SELECT user_id, serial, admitted_at FROM coupon WHERE campaign_id = %s ORDER BY serial"
FAILED = "SELECT COUNT(*) FROM failed_event WHERE campaign_id = %s AND status <> 'RESOLVED'"


class RowWatch:
    """Polls the number of the campaign's rows, in its own thread, inside a block."""

    def __init__(self, address: DatabaseAddress, campaign_id: str, due: int) -> None:
        self._campaign_id = campaign_id
        self._due = due
        self._connection = connect(address)
        self._connection.autocommit(True)  # noqa: FBT003 - PyMySQL's; each count sees all commits
        self._ended, self._stopping = threading.Event(), threading.Event()
        self._error: pymysql.Error | None = None
        self._thread = threading.Thread(target=self._watch, name="row watch", daemon=True)
        # (time.perf_counter(), rows) at each change of the number.
        self.seen: list[tuple[float, int]] = []

    @property
    def count(self) -> int:
        """The number of rows seen last."""
        return self.seen[-1][1] if self.seen else 0

    @property
    def complete_at(self) -> float | None:
        """When all expected rows were first seen committed."""
        return next((at for at, rows in self.seen if rows >= self._due), None)

    def wait(self, timeout_s: float) -> bool:
        """Wait until all rows are stored; return False when some are still missing."""
        ended = self._ended.wait(timeout_s)
        if self._error:
            message = f"MySQL gave no reply about the rows: {self._error}"
            raise HarnessError(message) from self._error
        return ended

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            with closing(self._connection) as connection, connection.cursor() as cursor:
                while not self._stopping.is_set() and self.count < self._due:
                    rows = _number(cursor, COUNT, self._campaign_id)
                    if rows != self.count:
                        self.seen.append((time.perf_counter(), rows))
                    self._stopping.wait(POLL_S)
        except pymysql.Error as error:
            self._error = error
        self._ended.set()


def read_rows(address: DatabaseAddress, campaign_id: str) -> tuple[Sequence[Row], int, str]:
    """Return all rows, how many records failed, and the server's version."""
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(ROWS, (campaign_id,))
        rows = [Row(user, serial, times.from_datetime(at)) for user, serial, at in cursor]
        failed = _number(cursor, FAILED, campaign_id)
        cursor.execute("SELECT VERSION()")
        version = cursor.fetchone()
    return rows, failed, str(version[0]) if version else ""


def _number(cursor: Any, statement: str, campaign_id: str) -> int:
    cursor.execute(statement, (campaign_id,))
    return int(cursor.fetchone()[0])
