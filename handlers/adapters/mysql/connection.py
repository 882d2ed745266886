"""Opens connections to MySQL, protected as `DATABASE_TLS` says.

The TLS context is a shared one: PyMySQL itself reads the certificates of all CAs (46 ms of
processor time) for each connection that prefers TLS, and verifies nothing with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pymysql
from pymysql.constants import SERVER_STATUS

from handlers.adapters import tls
from handlers.database_address import TlsMode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pymysql.cursors import Cursor

    from handlers.database_address import DatabaseAddress, DatabaseTls


# Characters that must be escaped in a literal in single quotes; the backslash first, since the
# other escapes add backslashes. Double quotes stay, and a batch's JSON has thousands of them.
ESCAPES = (
    ("\\", r"\\"),
    ("'", r"\'"),
    ("\0", r"\0"),
    ("\n", r"\n"),
    ("\r", r"\r"),
    ("\x1a", r"\Z"),
)

# Every server's maximum for max_allowed_packet; a connection learns its server's own limit.
PACKET_BYTES_MAX = 1 << 30


class Connection(pymysql.Connection):
    """PyMySQL's connection with our own TLS context and a faster escape.

    packet_bytes_max: the server's limit for a statement (max_allowed_packet), read when the
    connection is opened. A larger one ends the connection, often without an answer.
    new_coupons: rows that the present transaction has inserted.
    meanwhile: called once, between sending the next statement and reading the server's reply.
    """

    packet_bytes_max = PACKET_BYTES_MAX
    new_coupons = 0
    meanwhile: Callable[[], object] | None = None

    def _read_query_result(self, unbuffered: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyMySQL's own
        # The server works now. A second thread could do the same, and would wake up late: the
        # one that prepares holds Python's lock.
        work, self.meanwhile = self.meanwhile, None
        if work:
            try:
                work()
            except BaseException:
                self._force_close()  # type: ignore[attr-defined] # the stubs lack it; the reply stays unread
                raise
        return super()._read_query_result(unbuffered)  # type: ignore[misc] # the stubs lack it

    def _escape_string(self, s: str) -> str:
        # PyMySQL looks up each character in a table: a tenth of the time to write a batch.
        if self.server_status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES:  # type: ignore[attr-defined] # the stubs lack it
            return s.replace("'", "''")
        for character, escape in ESCAPES:
            s = s.replace(character, escape)
        return s

    def _create_ssl_ctx(self, given: Any) -> ssl.SSLContext:
        # `given` is empty when TLS is only preferred. A context passed to PyMySQL requires TLS,
        # so a context for preferred TLS can only be set here.
        return given or tls.trusting()


def connect(address: DatabaseAddress, **options: Any) -> Connection:
    """Return an open connection; raise PyMySQL's errors, and ConfigurationError for the CA file."""
    return Connection(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.encode(),  # PyMySQL would take a str for Latin-1
        database=address.database,
        **_protection(address.tls),
        **options,
    )


def packet_bytes_max(cursor: Cursor) -> int:
    """Return how many bytes a statement of this cursor may have."""
    return cast("Connection", cursor.connection).packet_bytes_max


def text_bytes(text: str) -> int:
    """Return how many bytes an ASCII text takes in a statement, at most."""
    return len(text) + sum(text.count(character) for character, _ in ESCAPES)


def _protection(wanted: DatabaseTls) -> dict[str, Any]:
    match wanted.mode:
        case TlsMode.OFF:
            return {"ssl_disabled": True}
        case TlsMode.PREFER:
            return {}
        case TlsMode.VERIFY:
            return {"ssl": tls.verifying(wanted.ca_file, "DATABASE_CA_FILE")}
