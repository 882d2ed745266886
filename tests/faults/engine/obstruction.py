"""Transactions of the engine that obstruct the service in MySQL."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import ER
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.cursors import Cursor

    from tests.faults.engine.journal import Journal
    from tests.faults.engine.servers import Servers

UNANSWERED = (pymysql.Error, OSError, RedisError)
TRY_S = 3.0
# Of two transactions in a deadlock, InnoDB rolls back the one that has changed less.
WEIGHT = 60
STEP_S = 0.004
GHOST = (
    "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at) "
    "VALUES (%s, %s, %s, %s, NOW(3))"
)
BALLAST = (
    "INSERT INTO failed_event (topic, partition_no, offset_no, reason, detail) "
    "VALUES ('ballast', 0, %s, 'BALLAST', '')"
)


class Obstruction:
    """Locks tables, locks rows, and deadlocks, each in a thread; it never commits."""

    def __init__(self, servers: Servers, campaign_id: str, quantity: int, journal: Journal) -> None:
        self._servers = servers
        self._campaign_id = campaign_id
        self._serials = range(1, quantity + 1)
        self._journal = journal
        self._over = Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="obstruction")

    def lock_tables(self, for_s: float) -> None:
        """Block all reads and writes of the tables."""
        self._begin(lambda cursor: self._lock_tables(cursor, for_s))

    def lock_rows(self, for_s: float) -> None:
        """Lock the rows of some coupons, as an uncommitted transaction does."""
        self._begin(lambda cursor: self._lock_rows(cursor, for_s))

    def deadlock(self, for_s: float) -> None:
        """Lock coupon rows in the opposite order of the consumers."""
        self._begin(lambda cursor: self._deadlock(cursor, for_s))

    def read_only(self, *, is_on: bool) -> bool:
        """Let the server refuse every change, as before its replacement; False: no response."""
        try:
            with self._servers.mysql(as_root=True) as connection, connection.cursor() as cursor:
                # It waits for open transactions. A server that went on waiting once the engine has
                # left would be read-only later, when this fault is over.
                cursor.execute("SET SESSION lock_wait_timeout = 1")
                cursor.execute("SET GLOBAL read_only = %s", (int(is_on),))
        except UNANSWERED as error:
            self._journal.note(f"  passed over: {type(error).__name__}")
            return False
        return True

    def close(self) -> None:
        """Roll back all transactions."""
        self._over.set()
        self._pool.shutdown()

    def _begin(self, work: Callable[[Cursor], None]) -> None:
        self._pool.submit(self._run, work)

    def _run(self, work: Callable[[Cursor], None]) -> None:
        # A MySQL that is down or frozen needs no obstruction.
        with suppress(*UNANSWERED), self._servers.mysql(TRY_S) as connection:
            connection.autocommit(False)  # noqa: FBT003 - PyMySQL's signature
            with connection.cursor() as cursor:
                cursor.execute("SET innodb_lock_wait_timeout = 1")
                work(cursor)
            connection.rollback()

    def _lock_tables(self, cursor: Cursor, for_s: float) -> None:
        cursor.execute("LOCK TABLES coupon WRITE, failed_event WRITE, campaign WRITE")
        self._over.wait(for_s)

    def _lock_rows(self, cursor: Cursor, for_s: float) -> None:
        for serial in self._serials[::3]:
            self._lock(cursor, serial)
        self._over.wait(for_s)

    def _deadlock(self, cursor: Cursor, for_s: float) -> None:
        met = 0
        for _ in range(max(1, round(for_s / 0.2))):
            if self._over.is_set():
                break
            try:
                cursor.executemany(BALLAST, [(number,) for number in range(WEIGHT)])
                for serial in reversed(self._serials):
                    self._lock(cursor, serial)
                    self._over.wait(STEP_S)
            except pymysql.OperationalError as error:
                if error.args[0] not in {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT}:
                    raise
                met += 1
            cursor.connection.rollback()
        self._journal.note(f"  deadlocks that the engine lost: {met}")

    def _lock(self, cursor: Any, serial: int) -> None:
        ghost = f"ghost-{random.randrange(10**9)}"  # noqa: S311 - only needs to be new
        with suppress(pymysql.IntegrityError):  # that coupon is already committed
            cursor.execute(GHOST, (self._campaign_id, ghost, serial, uuid.uuid4().hex[:16]))
