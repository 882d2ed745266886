"""What the service's user in MySQL may do: what its statements need, and no DDL.

Rights are tried out, not read: they may come from a role, from a pattern or from another host's
account. Each statement here that tries one has no effect, also where it is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import ER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Each table of the service, and a column to try UPDATE with.
TABLES = {
    "campaign": "id",
    "coupon": "campaign_id",
    "coupon_event": "id",
    "fence_offset": "campaign_id",
    "failed_event": "id",
    "webhook": "id",
    "webhook_delivery": "webhook_id",
    "webhook_expiry": "campaign_id",
    "webhook_expiring": "campaign_id",
}
# No statement of the service deletes. A lock by name (GET_LOCK) needs no right.
NEEDED = {
    "SELECT": "SELECT 1 FROM {table} LIMIT 0",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE FALSE",
    "UPDATE": "UPDATE {table} SET {column} = {column} WHERE FALSE",
}
TOO_MUCH = {
    # The first of these tables exists, the second one does not.
    "CREATE": "CREATE TABLE IF NOT EXISTS {schema}.campaign (n INT PRIMARY KEY)",
    "DROP": "DROP TABLE IF EXISTS {schema}.seonchak_no_such_table",
    **{f"DELETE on {table}": f"DELETE FROM {{schema}}.{table} WHERE FALSE" for table in TABLES},  # noqa: S608 - our tables
}
DENIED = {
    ER.DBACCESS_DENIED_ERROR,
    ER.TABLEACCESS_DENIED_ERROR,
    ER.COLUMNACCESS_DENIED_ERROR,
    ER.SPECIFIC_ACCESS_DENIED_ERROR,
}
ALL = ("ALL PRIVILEGES", "GRANT OPTION")
NO_SUCH_GRANT = {ER.NONEXISTING_GRANT, ER.NONEXISTING_TABLE_GRANT}


def lacking(connection: pymysql.Connection[Any], database: str) -> Sequence[str]:
    """Return the rights that the service needs and this connection's user does not have."""
    tried = {
        f"{right} on {table}": statement.format(table=f"{quoted(database)}.{table}", column=column)
        for table, column in TABLES.items()
        for right, statement in NEEDED.items()
    }
    return [right for right, allowed in _tried(connection, tried) if not allowed]


def surplus(connection: pymysql.Connection[Any], database: str) -> Sequence[str]:
    """Return the rights that this connection's user has and the service does not need."""
    tried = {
        right: statement.format(schema=quoted(database)) for right, statement in TOO_MUCH.items()
    }
    return [right for right, allowed in _tried(connection, tried) if allowed]


def _tried(
    connection: pymysql.Connection[Any], statements: Mapping[str, str]
) -> Iterator[tuple[str, bool]]:
    for right, statement in statements.items():
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except pymysql.Error as error:
            if error.args[0] not in DENIED:
                raise
            yield right, False
        else:
            yield right, True
    connection.rollback()


def grant(admin: pymysql.Connection[Any], database: str, account: tuple[str, str]) -> None:
    """Give an account what the service needs."""
    with admin.cursor() as cursor:
        for table in TABLES:
            target = f"{escaped(database)}.{table}"
            cursor.execute(f"GRANT {', '.join(NEEDED)} ON {target} TO %s@%s", account)


def revoke(admin: pymysql.Connection[Any], database: str, account: tuple[str, str]) -> None:
    """Take back what an account has beyond that, where it was given for the database or a table."""
    # A right on a database is stored under a pattern, with or without escaped wildcards.
    patterns = {database, database.replace("_", r"\_").replace("%", r"\%")}
    targets = [(what, f"{escaped(one)}.*") for one in sorted(patterns) for what in ALL]
    targets += [("DELETE", f"{escaped(database)}.{table}") for table in TABLES]
    with admin.cursor() as cursor:
        for what, target in targets:
            try:
                cursor.execute(f"REVOKE {what} ON {target} FROM %s@%s", account)
            except pymysql.Error as error:
                if error.args[0] not in NO_SUCH_GRANT:
                    raise


def quoted(name: str) -> str:
    """Return a name of a database as a part of a statement."""
    return "`" + name.replace("`", "``") + "`"


def escaped(name: str) -> str:
    """Return the same for a statement with arguments, in which % has a meaning."""
    return quoted(name).replace("%", "%%")
