"""Redis as in ElastiCache: over TLS, with a password that Secrets Manager stores and rotates."""

from __future__ import annotations

import json
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from handlers.adapters import tls
from handlers.adapters.aws.secrets import RENEW_EVERY_S, Secret, SecretVersion
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import EPOCH
from handlers.adapters.redis.scripts import Scripts
from handlers.config import ConfigurationError, Settings
from handlers.domain.errors import UnavailableError
from tests.support.tls import Authority, tls_in_front_of
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.servers import Valkey


def settings_of(url: str) -> Settings:
    return Settings.from_environment(ENVIRONMENT | {"REDIS_URL": url})


class Vault:
    """Secrets Manager with one secret, and a clock."""

    now = 0.0

    def __init__(self, text: str) -> None:
        self.text = text
        self.secret = Secret("prod/redis", self, clock=lambda: self.now)

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        assert secret_id == "prod/redis"
        return SecretVersion(self.text) if stage == "AWSCURRENT" else None


@pytest.fixture
def tls_port(private_valkey: Valkey, authority: Authority) -> Iterator[int]:
    with tls_in_front_of(private_valkey.port, authority.server_context("localhost")) as port:
        yield port


@pytest.fixture
def administrator(private_valkey: Valkey) -> Iterator[redis.Redis]:
    """A connection that stays authenticated when the passwords change."""
    with closing(redis.Redis(port=private_valkey.port, single_connection_client=True)) as client:
        client.ping()
        yield client
        client.config_set("requirepass", "")


@pytest.fixture(autouse=True)
def _contexts_of_its_own() -> None:
    tls.verifying.cache_clear()


def ping(url: str, secret: Secret | None = None) -> bool:
    with closing(connect(settings_of(url), secret)) as client:
        return bool(client.ping())


def test_over_tls_the_server_is_known_by_an_authority_that_we_name(
    tls_port: int, authority: Authority
) -> None:
    assert ping(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.file}")


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 and later demand of certificates what private authorities leave out."""
    create = ssl.create_default_context

    def create_strict(*args: Any, **options: Any) -> ssl.SSLContext:
        context = create(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create_strict)


# The first has the shared context, the second one of redis-py's own.
OPTIONS = pytest.mark.parametrize("more", ["", "&ssl_check_hostname=true"])


@OPTIONS
@pytest.mark.usefixtures("strict")
def test_a_private_authority_is_good_enough_as_it_is_for_mysql(
    tls_port: int, authority: Authority, more: str
) -> None:
    assert ping(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.file}{more}")


@OPTIONS
@pytest.mark.usefixtures("strict")
def test_control_python_3_13_itself_refuses_a_private_authority(
    tls_port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setattr(tls, "NOT_DEMANDED", ssl.VerifyFlags(0))
    with pytest.raises(RedisConnectionError, match="certificate verify failed"):
        ping(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.file}{more}")


def test_certificates_are_read_once_however_many_connections_there_are(
    tls_port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.file}"
    assert ping(url)
    monkeypatch.delattr(ssl, "create_default_context")
    assert ping(url)


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match=f"REDIS_URL's ssl_ca_certs: {file} is no file"):
        connect(settings_of(f"rediss://localhost/0?ssl_ca_certs={file}"))


def test_a_server_of_an_unknown_authority_is_refused(
    tls_port: int, tmp_path: Path, authority: Authority
) -> None:
    for trusted in ("", f"?ssl_ca_certs={Authority(tmp_path).file}"):
        with pytest.raises(RedisConnectionError, match="certificate verify failed"):
            ping(f"rediss://localhost:{tls_port}/0{trusted}")


def test_a_server_of_another_name_is_refused(private_valkey: Valkey, authority: Authority) -> None:
    other = authority.server_context("other.example.com")
    with (
        tls_in_front_of(private_valkey.port, other) as port,
        pytest.raises(RedisConnectionError, match="Hostname mismatch"),
    ):
        ping(f"rediss://localhost:{port}/0?ssl_ca_certs={authority.file}")


def test_scripts_run_over_tls_with_a_password_and_know_the_servers_history(
    tls_port: int, authority: Authority, administrator: redis.Redis
) -> None:
    administrator.config_set("requirepass", "r3dis-passw0rd")
    url = f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.file}"
    vault = Vault("r3dis-passw0rd")
    scripts = Scripts(lambda: connect(settings_of(url), vault.secret), epoch=True)
    with closing(scripts):
        administrator.set(EPOCH, administrator.info("replication")["master_replid"])
        assert scripts.epoch_is_known()


def test_a_user_of_the_secret_is_taken_instead_of_one_in_the_url(
    private_valkey: Valkey, administrator: redis.Redis
) -> None:
    administrator.execute_command("ACL", "SETUSER", "shop", "on", ">of-the-shop", "+ping", "+info")
    administrator.config_set("requirepass", "of-the-default-user")
    vault = Vault(json.dumps({"username": "shop", "password": "of-the-shop"}))
    url = f"redis://somebody:wrong@127.0.0.1:{private_valkey.port}/0"
    assert ping(url, vault.secret)
    with pytest.raises(AuthenticationError):
        ping(url)


def test_a_rotated_password_is_learned_by_the_connection_that_is_refused(
    private_valkey: Valkey, administrator: redis.Redis
) -> None:
    administrator.config_set("requirepass", "first")
    vault = Vault("first")
    url = f"redis://127.0.0.1:{private_valkey.port}/0"
    scripts = Scripts(lambda: connect(settings_of(url), vault.secret), epoch=True)
    with closing(scripts):
        assert scripts.command("ECHO", "heard") == b"heard"
        administrator.config_set("requirepass", "second")
        administrator.client_kill_filter(_type="normal", skipme=True)
        vault.now = RENEW_EVERY_S
        with pytest.raises(UnavailableError) as caught:
            scripts.command("ECHO", "heard")  # Secrets Manager does not have it yet
        assert isinstance(caught.value.__cause__, AuthenticationError)
        vault.text = "second"
        vault.now += RENEW_EVERY_S
        assert scripts.command("ECHO", "heard") == b"heard"
