"""Where MySQL is, and how the connection to it is protected."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from handlers.env_parser import ConfigurationError

if TYPE_CHECKING:
    from handlers.env_parser import EnvParser

MYSQL_PORT_DEFAULT = 3306


class TlsMode(StrEnum):
    """How the connection to MySQL is protected (`DATABASE_TLS`)."""

    OFF = "off"
    PREFER = "prefer"  # encrypted where the server supports it, without checking its certificate
    VERIFY = "verify"  # encrypted, and the server proves its name by a certificate


@dataclass(frozen=True, slots=True)
class DatabaseTls:
    """`DATABASE_TLS`, and for "verify" `DATABASE_CA_FILE`: empty for the system's CAs."""

    mode: TlsMode = TlsMode.PREFER
    ca_file: str = ""

    @classmethod
    def from_environment(cls, read: EnvParser) -> DatabaseTls:
        """Raise ConfigurationError when the CA file does not exist or would not be used."""
        mode = read.one_of(TlsMode, "DATABASE_TLS", TlsMode.PREFER)
        ca_file = read.text("DATABASE_CA_FILE", "")
        if ca_file and mode is not TlsMode.VERIFY:
            message = f"DATABASE_CA_FILE needs DATABASE_TLS=verify: {mode} verifies nothing"
            raise ConfigurationError(message)
        if ca_file and not Path(ca_file).is_file():
            message = f"DATABASE_CA_FILE: there is no file {ca_file}"
            raise ConfigurationError(message)
        return cls(mode, ca_file)


PREFERRED = DatabaseTls()


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where MySQL is: the parts of `mysql://user:password@host:port/database`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    tls: DatabaseTls = PREFERRED

    @classmethod
    def from_url(
        cls, url: str, tls: DatabaseTls = PREFERRED, name: str = "DATABASE_URL"
    ) -> DatabaseAddress:
        """Parse the setting `name`; raise ConfigurationError naming it, without the password."""
        shape = f"{name} must look like mysql://user:password@host:3306/database"
        try:
            parts = urlsplit(url)
            port = parts.port or MYSQL_PORT_DEFAULT
        except ValueError:
            # Without the cause: it quotes a part of the URL, which may contain the password.
            raise ConfigurationError(shape) from None
        database = parts.path.removeprefix("/")
        if parts.scheme != "mysql" or not (parts.hostname and parts.username and database):
            raise ConfigurationError(shape)
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username),
            password=unquote(parts.password or ""),
            database=unquote(database),
            tls=tls,
        )
