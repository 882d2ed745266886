"""MySQL as in RDS: over TLS, with a certificate."""

from __future__ import annotations

import dataclasses
import ssl
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters import tls
from handlers.adapters.migration.schema import migrate_schema
from handlers.adapters.mysql.database import Database
from handlers.config import ConfigurationError
from handlers.database_address import DatabaseAddress, DatabaseTls, TlsMode
from handlers.domain.errors import UnavailableError
from handlers.retry import SetupError
from local.servers import MariaDB
from local.servers.mariadb import is_mariadb
from tests.support.state import retry_deadline
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pymysql.cursors import Cursor

pytestmark = pytest.mark.servers
NAME = "localhost"
PASSWORD = "d4tabase-passw0rd"


class TlsServer(MariaDB):
    """A server of our authority; without a certificate it offers no TLS."""

    certificate: Path | None = None

    def command(self) -> Sequence[str]:
        if self.certificate is None:
            return [*super().command(), "--skip-ssl" if is_mariadb() else "--tls-version="]
        certificate, key = f"--ssl-cert={self.certificate}", f"--ssl-key={self.certificate}"
        return [*super().command(), certificate, key]


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[TlsServer]:
    made = TlsServer(password=PASSWORD)
    made.certificate = authority.server_file(NAME)
    with made:
        yield made


@pytest.fixture(autouse=True)
def _contexts_of_its_own() -> None:
    tls.trusting.cache_clear()
    tls.verifying.cache_clear()


def address_of(server: MariaDB, wanted: DatabaseTls, host: str = NAME) -> DatabaseAddress:
    return dataclasses.replace(DatabaseAddress.from_url(server.url, wanted), host=host)


def verified_by(ca_file: Path | str) -> DatabaseTls:
    return DatabaseTls(TlsMode.VERIFY, str(ca_file))


def cipher(address: DatabaseAddress) -> str:
    """Return the cipher of a new connection; empty when it is not encrypted."""
    with closing(Database(lambda: address)) as database:
        return database.run(_cipher)


def _cipher(cursor: Cursor) -> str:
    cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    [(_, value)] = cursor.fetchall()
    return str(value)


def refusal(address: DatabaseAddress) -> str:
    """Return the error of a refused connection, the same for work and for a lock."""
    with pytest.raises(UnavailableError) as caught:
        cipher(address)
    with (
        pytest.raises(UnavailableError) as of_lock,
        Database(lambda: address).advisory_lock("lock"),
    ):
        pass  # never reached: entering raises
    assert str(of_lock.value) == str(caught.value)
    assert PASSWORD not in f"{caught.value} {caught.value.__cause__}"
    return str(caught.value)


def test_a_server_is_known_by_an_authority_that_we_name(
    server: TlsServer, authority: Authority
) -> None:
    assert cipher(address_of(server, verified_by(authority.file)))


def test_a_server_of_another_name_is_refused(server: TlsServer, authority: Authority) -> None:
    error = refusal(address_of(server, verified_by(authority.file), host="127.0.0.1"))
    assert "its certificate is refused: IP address mismatch" in error


@pytest.mark.parametrize("trusted", ["another", "the system's"])
def test_a_server_of_an_unknown_authority_is_refused(
    server: TlsServer, tmp_path: Path, trusted: str
) -> None:
    ca_file = Authority(tmp_path).file if trusted == "another" else ""
    assert "its certificate is refused: " in refusal(address_of(server, verified_by(ca_file)))


def test_a_migration_does_not_wait_for_a_server_that_it_cannot_trust(
    server: TlsServer, authority: Authority
) -> None:
    address = address_of(server, verified_by(authority.file), host="127.0.0.1")
    with pytest.raises(SetupError, match="certificate verify failed") as caught:
        migrate_schema(address, retry_deadline(wait_s=3600))
    assert PASSWORD not in str(caught.value)


def test_the_schema_is_brought_in_over_a_verified_connection(
    server: TlsServer, authority: Authority
) -> None:
    address = address_of(server, verified_by(authority.file))
    assert migrate_schema(address, retry_deadline(), lenient=True)


def test_tls_that_is_preferred_encrypts_and_reads_no_certificates(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ssl, "create_default_context")
    assert cipher(address_of(server, DatabaseTls(TlsMode.PREFER), host="127.0.0.1"))


def test_tls_that_is_off_leaves_the_connection_plain(server: TlsServer) -> None:
    assert not cipher(address_of(server, DatabaseTls(TlsMode.OFF)))


def test_certificates_are_read_once_however_many_connections_there_are(
    server: TlsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = address_of(server, verified_by(authority.file))
    assert cipher(address)
    monkeypatch.delattr(ssl, "create_default_context")
    assert cipher(address)


def test_a_server_without_tls_is_refused_when_it_must_be_verified(
    server: TlsServer, authority: Authority
) -> None:
    server.stop()
    certificate, server.certificate = server.certificate, None
    server.start()
    try:
        error = refusal(address_of(server, verified_by(authority.file)))
        assert "it has no TLS, which DATABASE_TLS=verify demands" in error
        assert not cipher(address_of(server, DatabaseTls(TlsMode.PREFER)))
    finally:
        server.stop()
        server.certificate = certificate
        server.start()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "authority.pem"
    if content is not None:
        ca_file.write_text(content)
    address = DatabaseAddress("127.0.0.1", 1, "shop", PASSWORD, "coupons", verified_by(ca_file))
    with pytest.raises(ConfigurationError, match=f"DATABASE_CA_FILE: {ca_file} is no file"):
        cipher(address)
