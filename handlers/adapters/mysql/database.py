"""Transactions on MySQL: one connection per thread, replaced when stale, deadlocks retried."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pymysql
from pymysql.constants import CR, ER

from handlers.adapters.mysql.connection import connect
from handlers.adapters.mysql.error_codes import (
    LOGIN_REFUSED,
    TOO_LARGE,
    code_of,
    describe,
    refuses_content,
)
from handlers.domain import metrics
from handlers.domain.errors import ServiceError, TransactionTooLargeError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.connection import Connection
    from handlers.database_address import DatabaseAddress

T = TypeVar("T")

LOCK_WAIT_TIMEOUT_S = 3
BACKOFF_S = 0.02

# PyMySQL has this number only under an outdated name.
AUTOINC_READ_FAILED = 1467  # two INSERT … SELECT at once: seen on MariaDB 10.11
CONTENTION = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, AUTOINC_READ_FAILED}
# Server gone, connection lost, killed while idle (4031 since MySQL 8.0.24), and PyMySQL's own 0.
STALE = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 4031, 0}

# Strict, independent of the server's mode: a value that does not fit is an error, never truncated.
SESSION = (
    "SET time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
    f"innodb_lock_wait_timeout = {LOCK_WAIT_TIMEOUT_S}"
)
# Fewer gap locks, so fewer deadlocks; UNIQUE keys guarantee uniqueness.
ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"

FOLDER = Path(__file__).parent / "sql"


def query(name: str) -> str:
    """Return the statement in sql/<name>.sql, without its comments.

    PyMySQL replaces the %(names)s in comments as well: a batch would be sent twice.
    """
    lines = (FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("--"))


def count_coupons(cursor: Cursor, inserted: int) -> None:
    """Count new coupons of this transaction, once it is committed."""
    cast("Connection", cursor.connection).new_coupons += inserted


def while_server_works(cursor: Cursor, work: Callable[[], object] | None) -> None:
    """Let `work` be done between the next statement of this transaction and its reply."""
    cast("Connection", cursor.connection).meanwhile = work


@dataclass(frozen=True, slots=True)
class Patience:
    """How long MySQL may take to connect and to reply, and how often a unit of work is tried.

    after_silence: whether also after a reply that did not come in time, on a connection that was
    kept: it may be stale, and a new one lead to another server.
    """

    connect_s: float
    reply_s: float
    attempts: int
    after_silence: bool = True


# The largest batch (10,000 rows) takes about 0.3 s; a server that needs longer counts as down.
# Two consumers that write the same rows at once conflict a few times at most: rows are sorted.
OF_A_CONSUMER = Patience(connect_s=3, reply_s=10, attempts=5)
# An applicant waits for it, who has waited for Kafka before.
OF_AN_APPLICANT = Patience(connect_s=1, reply_s=2, attempts=2)
# A person waits for it, to whom Redis can say enough.
OF_A_READER = Patience(connect_s=1, reply_s=2, attempts=2, after_silence=False)
# A shop waits for it, and its customer with it; orders may queue for one coupon's row.
OF_A_SHOP = Patience(connect_s=1, reply_s=5, attempts=5, after_silence=False)


class Database:
    """Runs units of work, each in one transaction. Each unit must be repeatable."""

    def __init__(
        self,
        address: Callable[[], DatabaseAddress],
        renew: Callable[[], bool] = lambda: False,
        patience: Patience = OF_A_CONSUMER,
    ) -> None:
        """Take MySQL's address, and a function that looks for a new password after a refusal."""
        self._address = address
        self._patience = patience
        self._renew = renew
        self._local = threading.local()

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Return work(cursor) once it is committed; raise UnavailableError when MySQL fails.

        That is a TransactionTooLargeError where less work in one transaction may succeed.
        Content that MySQL never takes raises PyMySQL's own error. The work is repeated from its
        start after a deadlock and after a lost connection, also one that was lost during the
        commit: every statement of this system is idempotent.
        """
        for attempt in range(1, self._patience.attempts + 1):
            fresh = self._connection() is None
            try:
                return self._transaction(work)
            except pymysql.Error as error:
                self.close()
                if refuses_content(error):
                    raise
                code = code_of(error)
                if code in TOO_LARGE:
                    raise TransactionTooLargeError(describe(error)) from error
                is_stale = code in STALE and not fresh
                if isinstance(error.__context__, TimeoutError) and not self._patience.after_silence:
                    is_stale = False
                may_retry = code in CONTENTION or is_stale
                if not may_retry or attempt == self._patience.attempts:
                    raise UnavailableError(describe(error)) from error
                time.sleep(random.uniform(0, BACKOFF_S * 2**attempt))  # noqa: S311 - jitter
        raise AssertionError  # the loop returns or raises

    @contextmanager
    def advisory_lock(self, name: str) -> Iterator[bool]:
        """Hold a MySQL advisory lock for the block; yields False if another process holds it.

        The lock belongs to a connection of its own, so a killed process releases it. It only
        avoids duplicate work; correctness must not depend on it.
        """
        full_name = f".{name}"
        try:
            connection = self._connect()
            with connection.cursor() as cursor:
                cursor.execute("SELECT GET_LOCK(CONCAT(DATABASE(), %s), 0)", (full_name,))
                [(got,)] = cursor.fetchall()
        except pymysql.Error as error:
            raise UnavailableError(describe(error)) from error
        try:
            yield got == 1
        finally:
            # MySQL may notice the end of a connection later than the next caller asks.
            with suppress(pymysql.Error), connection.cursor() as cursor:
                cursor.execute("SELECT RELEASE_LOCK(CONCAT(DATABASE(), %s))", (full_name,))
            connection.close()

    def _transaction(self, work: Callable[[Cursor], T]) -> T:
        connection = self._connection()
        if connection is None:
            connection = self._local.connection = self._connect()
        try:
            connection.begin()
            connection.new_coupons, connection.meanwhile = 0, None
            with connection.cursor() as cursor:
                result = work(cursor)
            connection.commit()
        except ServiceError:
            # What the work found is not what it needs. Its locks are gone when its caller goes on;
            # MySQL may notice the end of a connection later.
            self._roll_back(connection)
            raise
        except BaseException:
            self.close()  # rolls back, and drops a half-read result
            raise
        metrics.ROWS.inc((), connection.new_coupons)
        return result

    def _roll_back(self, connection: Any) -> None:
        try:
            connection.rollback()
        except pymysql.Error:  # it is closed, or MySQL closes it
            self.close()

    def close(self) -> None:
        """Close this thread's connection, if it has one."""
        connection = self._connection()
        self._local.connection = None
        if connection is not None and connection.open:
            connection._force_close()  # noqa: SLF001 - close() would wait for an unreachable server

    def _connection(self) -> Any:
        return getattr(self._local, "connection", None)

    def _connect(self) -> Any:
        try:
            return _open(self._address(), self._patience)
        except pymysql.OperationalError as error:
            if code_of(error) not in LOGIN_REFUSED or not self._renew():
                raise
        return _open(self._address(), self._patience)  # the password was rotated


def _open(address: DatabaseAddress, patience: Patience) -> Any:
    connection = connect(
        address,
        charset="utf8mb4",
        init_command=SESSION,
        connect_timeout=patience.connect_s,
        read_timeout=patience.reply_s,
        write_timeout=patience.reply_s,
    )
    with connection.cursor() as cursor:
        cursor.execute(ISOLATION)
        cursor.execute("SELECT @@max_allowed_packet")
        [(connection.packet_bytes_max,)] = cursor.fetchall()
    return connection
