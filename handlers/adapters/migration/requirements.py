"""What the service needs of a MySQL server, tried out.

Not every server that speaks the protocol can do it: TiDB has no JSON_TABLE, and MySQL before 8.0.16
reads CHECK constraints and forgets them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import ER

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

NEEDED = "MySQL 8.0.16 or later, or MariaDB 10.11 or later"
JSON_TABLE = "SELECT n FROM JSON_TABLE('[1]', '$[*]' COLUMNS (n INT PATH '$')) AS r"
# What a server without a function or a syntax says; Vitess says the last two.
UNKNOWN_SYNTAX = {ER.PARSE_ERROR, ER.SP_DOES_NOT_EXIST, ER.NOT_SUPPORTED_YET, ER.UNKNOWN_ERROR}
# The schema forbids a campaign of nothing.
FORBIDDEN = (
    "INSERT INTO campaign (id, name, quantity, opens_at, closes_at)"
    " VALUES ('', '', 0, '2026-01-01', '2027-01-01')"
)
CHECK_VIOLATED = {3819, 4025}  # MySQL's and MariaDB's number; PyMySQL has no name for the first


def lack_of_json_table(connection: pymysql.Connection[Any]) -> str:
    """Return in a sentence that there is no JSON_TABLE, by which batches are written; else ""."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(JSON_TABLE)
        except pymysql.Error as error:
            if error.args[0] not in UNKNOWN_SYNTAX:
                raise
            return f"it has no JSON_TABLE; it is {_version(cursor)}, and {NEEDED} is needed"
    return ""


def lack_of_checks(connection: pymysql.Connection[Any]) -> str:
    """Return in a sentence that the schema's CHECK constraints do not hold; else ""."""
    connection.begin()
    try:
        with connection.cursor() as cursor:
            try:
                cursor.execute(FORBIDDEN)
            except pymysql.Error as error:
                if error.args[0] in CHECK_VIOLATED:
                    return ""
                raise
            return (
                "it ignores CHECK constraints, or did so when the table campaign was made; it is "
                f"{_version(cursor)}, and {NEEDED} is needed"
            )
    finally:
        connection.rollback()


def _version(cursor: Cursor) -> str:
    cursor.execute("SELECT VERSION()")
    [(version,)] = cursor.fetchall()
    return str(version)
