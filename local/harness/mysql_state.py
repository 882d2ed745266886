"""The coupons in MySQL: watched while they arrive, and read at the end."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

import pymysql

from handlers.adapters.migration.schema import connect, is_transient
from handlers.domain import times
from handlers.retry import RetryDeadline
from local.harness.observations import Row
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from handlers.database_address import DatabaseAddress

# The precision of "time to the last row"; MySQL's reply takes a fraction of it.
POLL_S = 0.005
# A crashed MySQL needs seconds to recover.
RECONNECT_S = 0.1
COUNT = "SELECT COUNT(*) FROM coupon WHERE campaign_id = %s"
ROWS = "SELECT user_id, serial, admitted_at FROM coupon WHERE campaign_id = %s ORDER BY serial"
FAILED = "SELECT COUNT(*) FROM failed_event WHERE campaign_id = %s AND status <> 'RESOLVED'"


class RowWatch:
    """Polls the number of the campaign's rows, in its own thread, inside a block."""

    def __init__(self, address: DatabaseAddress, campaign_id: str, due: int) -> None:
        self._campaign_id = campaign_id
        self._due = due
        self._address = address
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
        """Wait until all rows are stored; return False when some are still missing.

        A MySQL that is down is one that has no row yet: it may come back.
        """
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
        while not self._stopping.is_set() and self.count < self._due:
            try:
                self._count_until_complete()
            except pymysql.Error as error:
                if not _is_down(error):
                    self._error = error
                    break
                self._stopping.wait(RECONNECT_S)
        self._ended.set()

    def _count_until_complete(self) -> None:
        with closing(connect(self._address)) as connection, connection.cursor() as cursor:
            connection.autocommit(True)  # noqa: FBT003 - PyMySQL's; each count sees all commits
            while not self._stopping.is_set() and self.count < self._due:
                rows = _number(cursor, COUNT, self._campaign_id)
                if rows != self.count:
                    self.seen.append((time.perf_counter(), rows))
                self._stopping.wait(POLL_S)


def read_rows(
    address: DatabaseAddress, campaign_id: str, wait_s: float = 0
) -> tuple[Sequence[Row], int, str]:
    """Return all rows, how many records failed, and the server's version.

    wait_s: how long to wait for a MySQL that is down. Raises PyMySQL's errors, and SetupError when
    it does not come back.
    """
    deadline = RetryDeadline(wait_s, lambda _: None)
    server = f"MySQL at {address.host}:{address.port}"
    return deadline.retry_until_ready(server, lambda: _read_rows(address, campaign_id), _is_down)


def _read_rows(address: DatabaseAddress, campaign_id: str) -> tuple[Sequence[Row], int, str]:
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute(ROWS, (campaign_id,))
        rows = [Row(user, serial, times.from_datetime(at)) for user, serial, at in cursor]
        failed = _number(cursor, FAILED, campaign_id)
        cursor.execute("SELECT VERSION()")
        version = cursor.fetchone()
    return rows, failed, str(version[0]) if version else ""


def _is_down(error: Exception) -> bool:
    """Return whether MySQL has ended or is only starting; PyMySQL gives a lost socket no number."""
    return is_transient(error) or isinstance(error, pymysql.InterfaceError)


def _number(cursor: Any, statement: str, campaign_id: str) -> int:
    cursor.execute(statement, (campaign_id,))
    return int(cursor.fetchone()[0])
