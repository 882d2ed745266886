"""Opens connections to MySQL, protected as `DATABASE_TLS` says.

The TLS context is a shared one: PyMySQL itself reads the certificates of all CAs (46 ms of
processor time) for each connection that prefers TLS, and verifies nothing with them.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR, SERVER_STATUS

from handlers.adapters import tls
from handlers.config import TlsMode

if TYPE_CHECKING:
    from handlers.config import DatabaseAddress, DatabaseTls


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


class Connection(pymysql.Connection):
    """PyMySQL's connection with our own TLS context and a faster escape."""

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


def is_distrusted(error: Exception) -> bool:
    """Return whether the server's certificate was rejected, which a retry cannot change."""
    return _certificate_error(error) is not None


def reason(error: Exception) -> str:
    """Return in short why MySQL failed, without its own text, which may quote values."""
    if certificate_error := _certificate_error(error):
        return f"its certificate is refused: {certificate_error.verify_message}"
    code = error.args[0] if error.args else 0
    if code == CR.CR_SSL_CONNECTION_ERROR:
        return "it has no TLS, which DATABASE_TLS=verify demands"
    return f"error {code}"


def _certificate_error(error: Exception) -> ssl.SSLCertVerificationError | None:
    cause = getattr(error, "original_exception", None)
    return cause if isinstance(cause, ssl.SSLCertVerificationError) else None


def _protection(wanted: DatabaseTls) -> dict[str, Any]:
    match wanted.mode:
        case TlsMode.OFF:
            return {"ssl_disabled": True}
        case TlsMode.PREFER:
            return {}
        case TlsMode.VERIFY:
            return {"ssl": tls.verifying(wanted.ca_file, "DATABASE_CA_FILE")}
