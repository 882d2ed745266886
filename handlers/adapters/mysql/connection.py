"""Opens connections to MySQL, protected as `DATABASE_TLS` asks.

What protects them is made once per process and shared: PyMySQL itself reads the certificates of
all authorities (46 ms of processor time) for each connection that prefers TLS, and verifies
nothing with them.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR, SERVER_STATUS

from handlers.config import ConfigurationError, TlsMode

if TYPE_CHECKING:
    from handlers.config import DatabaseAddress, DatabaseTls


# What a literal in single quotes may not hold as it is; the backslash first, since the others
# bring some of their own. A double quote may stand, and a batch's JSON holds thousands.
ESCAPES = (
    ("\\", r"\\"),
    ("'", r"\'"),
    ("\0", r"\0"),
    ("\n", r"\n"),
    ("\r", r"\r"),
    ("\x1a", r"\Z"),
)


class Connection(pymysql.Connection):
    """PyMySQL's, with our context where it would make one of its own, and a faster escape."""

    def _escape_string(self, s: str) -> str:
        # PyMySQL looks each character up in a table: a tenth of what writing a batch takes.
        if self.server_status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES:  # type: ignore[attr-defined] # the stubs lack it
            return s.replace("'", "''")
        for character, escape in ESCAPES:
            s = s.replace(character, escape)
        return s

    def _create_ssl_ctx(self, given: Any) -> ssl.SSLContext:
        # Nothing is given when TLS is only preferred. PyMySQL takes a context as a demand for
        # TLS, so there is no other place for one that is merely preferred.
        return given or _trusting()


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
    """Tell whether the server's certificate was refused, which no waiting changes."""
    return _refusal(error) is not None


def reason(error: Exception) -> str:
    """Return in some words why MySQL gave no answer: without its own, which may quote values."""
    if refusal := _refusal(error):
        return f"its certificate is refused: {refusal.verify_message}"
    code = error.args[0] if error.args else 0
    if code == CR.CR_SSL_CONNECTION_ERROR:
        return "it has no TLS, which DATABASE_TLS=verify demands"
    return f"error {code}"


def _refusal(error: Exception) -> ssl.SSLCertVerificationError | None:
    cause = getattr(error, "original_exception", None)
    return cause if isinstance(cause, ssl.SSLCertVerificationError) else None


def _protection(tls: DatabaseTls) -> dict[str, Any]:
    match tls.mode:
        case TlsMode.OFF:
            return {"ssl_disabled": True}
        case TlsMode.PREFER:
            return {}
        case TlsMode.VERIFY:
            return {"ssl": _verifying(tls.ca_file)}


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _verifying(ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one: a file without a certificate
        message = f"DATABASE_CA_FILE: {ca_file} is no file of certificates in PEM form"
        raise ConfigurationError(message) from error
    # On by default since Python 3.13; authorities of older date, RDS's among them, do not pass.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
