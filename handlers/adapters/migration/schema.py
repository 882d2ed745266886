"""Applies the schema of infra/schema to MySQL; parallel runs wait for each other."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
from yoyo import read_migrations
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.exceptions import LockTimeout
from yoyo.migrations import default_migration_table

from handlers.adapters.migration.requirements import lack_of_checks, lack_of_json_table
from handlers.adapters.mysql import connection as mysql_connection
from handlers.adapters.mysql.error_codes import is_distrusted
from handlers.retry import RetryDeadline, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.database_address import DatabaseAddress

# Beside handlers/ in the deployment package as well, through vendor/infra/schema.
SCHEMA = Path(__file__).resolve().parents[3] / "infra" / "schema"
CONNECT_TIMEOUT_S = 5
# Longer than any sensible schema change waits for another one, or takes itself.
LOCK_WAIT_S_MIN = 60
CHANGE_S_MAX = 3600
READ_TIMEOUT_S_MIN = 0.1  # PyMySQL does not accept 0
# MySQL's lock names have at most 64 characters and apply to the whole server.
LOCK_NAME_SQL = "LEFT(CONCAT('seonchak migrate ', DATABASE()), 64)"
# Cannot connect, went away, lost during a query, too many connections, shutting down.
TRANSIENT_CODES = frozenset({2002, 2003, 2006, 2013, 1040, 1053})


@dataclass(frozen=True, slots=True)
class _Target:
    """The library copies it, and reads the database's name from it."""

    address: DatabaseAddress
    change_s_max: float

    @property
    def database(self) -> str:
        return self.address.database


class _Backend(MySQLBackend):  # type: ignore[misc] # the library is untyped
    """The library's backend with our target in place of its URL, and our connection."""

    def connect(self, target: _Target) -> pymysql.Connection[Any]:
        return connect(target.address, target.change_s_max)

    def applied(self) -> set[str]:
        """Return the ids of all migrations applied to the database, known here or not."""
        rows = self.execute(f"SELECT migration_id FROM {self.migration_table_quoted}")  # noqa: S608 - our table's name
        return {str(migration_id) for (migration_id,) in rows.fetchall()}


def migrate_schema(
    address: DatabaseAddress, patience: RetryDeadline, *, lenient: bool = False
) -> Sequence[str]:
    """Apply the missing migrations and return their names; raise SetupError when that fails.

    lenient: a server that ignores CHECK constraints is only reported.
    """
    server = f"MySQL at {address.host}:{address.port}"
    try:
        connection = patience.retry_until_ready(
            server, lambda: connect(address, patience.at_most(CHANGE_S_MAX)), is_transient
        )
        with closing(connection), _locked(connection, patience):
            if flaw := lack_of_json_table(connection):
                message = f"{server} cannot be used: {flaw}"
                raise SetupError(message)
            applied = _apply(_Target(address, patience.at_most(CHANGE_S_MAX)))
            if flaw := lack_of_checks(connection):
                message = f"{server} cannot be used: {flaw}"
                if not lenient:
                    raise SetupError(message)
                patience.report(f"schema: {message}; STAGE=local goes on")
            return applied
    except (pymysql.Error, LockTimeout) as error:
        message = f"{server} refused the schema: {error}"
        raise SetupError(message) from error


def connect(
    address: DatabaseAddress, change_s_max: float = CHANGE_S_MAX
) -> pymysql.Connection[Any]:
    """Open a connection of our own that waits for each reply as long as a change may take."""
    return mysql_connection.connect(
        address,
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=max(READ_TIMEOUT_S_MIN, change_s_max),
    )


def is_transient(error: Exception) -> bool:
    """Return whether an error of MySQL may be temporary."""
    if not isinstance(error, pymysql.OperationalError) or is_distrusted(error):
        return False
    return error.args[0] in TRANSIENT_CODES


@contextmanager
def _locked(connection: pymysql.Connection[Any], patience: RetryDeadline) -> Iterator[None]:
    """Lock out other runs. The library's own lock is a row in a table that it creates unlocked."""
    # A second less than the time left: MySQL's own reply comes before our deadline.
    wait_s = max(0 if patience.hard else LOCK_WAIT_S_MIN, int(patience.left_s) - 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK({LOCK_NAME_SQL}, %s)", (wait_s,))
        if cursor.fetchone() != (1,):
            message = f"another migration has been running for more than {wait_s} s"
            raise SetupError(message)
        yield  # closing the connection releases the lock, also after an error or a crash


def _apply(target: _Target) -> Sequence[str]:
    # The library logs the user's name; a container's user often has none.
    os.environ.setdefault("LOGNAME", "seonchak")
    migrations = read_migrations(str(SCHEMA))
    if not migrations:
        message = f"there are no migrations in {SCHEMA}"
        raise SetupError(message)
    with _Backend(target, default_migration_table) as backend:
        backend.init_database()
        missing = backend.to_apply(migrations)  # creates the library's tables first
        if newer := backend.applied() - {str(migration.id) for migration in migrations}:
            message = (
                f"the database is of a newer version, with {', '.join(sorted(newer))}: "
                "there is no way back, and this version does not know what it would write to"
            )
            raise SetupError(message)
        names = [str(migration.id) for migration in missing]
        with backend.lock():
            backend.apply_migrations(missing)
        # The library skips a migration that it cannot load, with only a log line.
        if left := [str(migration.id) for migration in backend.to_apply(migrations)]:
            message = f"these migrations could not be loaded: {', '.join(left)}"
            raise SetupError(message)
    return names
