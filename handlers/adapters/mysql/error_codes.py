"""What an error of MySQL's or MariaDB's means: an outage, a refused content, a wrong setup.

What is in neither table is an outage: to repeat it is right for everything that passes by itself,
and loses nothing where it does not. The text of an error is never shown: it may quote values.
"""

from __future__ import annotations

import ssl

import pymysql
from pymysql.constants import CR

# This content fails however often it is sent; other content does not. MySQL takes the statement
# back and not the transaction.
CONTENT = {
    1048: "NULL where a value is needed",
    1062: "a value that must be unique",
    1118: "too large for a row, or for the redo log",
    1153: "larger than max_allowed_packet",
    1162: "longer than max_allowed_packet",
    1216: "its campaign is gone",
    1264: "a number out of range",
    1265: "a value that does not fit its column",
    1292: "a malformed value",
    1300: "malformed characters",
    1301: "the result would be larger than max_allowed_packet",
    1366: "characters or a number that the column does not take",
    1406: "too long for its column",
    1411: "a malformed value",
    1441: "a time out of range",
    1452: "its campaign is gone",
    1690: "a number out of range",
    3140: "malformed JSON",
    3141: "malformed JSON",
    3150: "JSON that is too large",
    3155: "a JSON number out of range",
    3156: "a JSON value that does not fit its column",
    3157: "JSON that is nested too deeply",
    3665: "a JSON value is missing",
    3666: "an array where one JSON value is expected",
    3669: "a JSON number out of range",
    3819: "a CHECK constraint",
    3854: "characters that cannot be converted",
    4025: "a CHECK constraint",
    4035: "malformed JSON",
    4036: "malformed JSON",
    4037: "malformed JSON",
    4038: "malformed JSON",
    4039: "malformed JSON",
    4040: "JSON that is nested too deeply",
}
# The transaction is too large for a limit of the server's; a part of it may fit. MySQL may have
# taken all of it back.
TOO_LARGE = {
    1197: "larger than max_binlog_cache_size",
    1206: "more locks than the buffer pool has room for",
}
# Every content fails until the operator has changed the server, its rights or the settings.
SETUP = {
    1044: "its user has no right on this database",
    1045: "it refuses user or password",
    1049: "it has no such database",
    1054: "a column is missing: is the schema of an older version?",
    1064: "it does not know this SQL: is it MySQL 8.0.16 or MariaDB 10.11 at least?",
    1115: "it does not know this character set",
    1136: "a table has other columns",
    1142: "its user has no right on a table: has the migration run?",
    1143: "its user has no right on a column",
    1146: "a table is missing: has the migration run?",
    1193: "it does not know a setting",
    1227: "its user lacks a right",
    1231: "it refuses a value of a setting",
    1235: "it does not support this SQL",
    1253: "character set and collation do not fit",
    1267: "collations do not fit",
    1273: "it does not know this collation",
    1305: "it does not know a function",
    1364: "a column without default is not written: is the schema of a newer version?",
    1370: "its user has no right on a function",
    1698: "it refuses user or password",
    1862: "its password has expired",
    3118: "its account is locked",
    4151: "its account is locked",
}
# A wrong password, none, an expired one, a locked account: in MySQL and in MariaDB.
LOGIN_REFUSED = {1045, 1698, 1862, 3118, 4151}


def code_of(error: Exception) -> int:
    """Return the number of an error; 0 where it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def refuses_content(error: Exception) -> bool:
    """Return whether MySQL will never take this content, and takes other content."""
    code = code_of(error)
    # Of codes that the tables do not have, PyMySQL's class says what the error is about.
    by_class = isinstance(error, pymysql.DataError | pymysql.IntegrityError)
    return code in CONTENT or (by_class and code not in SETUP)


def is_distrusted(error: Exception) -> bool:
    """Return whether the server's certificate was rejected, which a retry cannot change."""
    return _certificate_error(error) is not None


def describe(error: Exception) -> str:
    """Return in a sentence why MySQL failed: its number, and what that means if it is known."""
    if certificate_error := _certificate_error(error):
        why = f"its certificate is refused: {certificate_error.verify_message}"
        return f"MySQL gave no answer ({why})"
    code = code_of(error)
    if code == CR.CR_SSL_CONNECTION_ERROR:
        return "MySQL gave no answer (it has no TLS, which DATABASE_TLS=verify demands)"
    if code in TOO_LARGE:
        return f"MySQL refused a transaction (error {code}: {TOO_LARGE[code]})"
    if code in SETUP:
        return f"MySQL is set up wrongly (error {code}: {SETUP[code]})"
    return f"MySQL gave no answer (error {code})"


def _certificate_error(error: Exception) -> ssl.SSLCertVerificationError | None:
    cause = getattr(error, "original_exception", None)
    return cause if isinstance(cause, ssl.SSLCertVerificationError) else None
