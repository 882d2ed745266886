"""Secrets from AWS Secrets Manager (moto): read, cached, rotated."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from handlers import wiring
from handlers.adapters.aws import secrets
from handlers.adapters.aws.secrets import (
    MAX_AGE_S,
    RENEW_EVERY_S,
    STALE_S_MAX,
    Secret,
    SecretVersion,
)
from handlers.adapters.aws.secrets_manager import SecretsManager
from handlers.config import ConfigurationError
from handlers.database_address import DatabaseAddress, TlsMode
from handlers.domain.errors import UnavailableError
from handlers.env_parser import checked_secret
from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "prod/coupons"
DAY_S = 86_400
PASSWORD = "d4tabase-passw0rd"
RDS = {
    "engine": "mysql",
    "host": "db.example.com",
    "port": 3307,
    "username": "shop",
    "password": PASSWORD,
    "dbname": "coupons",
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account, and worthless credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    wiring.reset()
    with mock_aws():
        yield
    wiring.reset()


class Unsteady:
    """Secrets Manager with outages."""

    def __init__(self, source: SecretsManager) -> None:
        self.reachable = True
        self.questions = 0
        self._source = source

    def read(self, secret_id: str, stage: str) -> SecretVersion | None:
        self.questions += 1
        if not self.reachable:
            raise UnavailableError
        return self._source.read(secret_id, stage)


def store(**secret: Any) -> None:
    boto3.client("secretsmanager").create_secret(Name=NAME, **secret)


def change(text: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId=NAME, SecretString=text)


def secret_of(clock: ManualClock | None = None, check: Callable[[str], str] = str) -> Secret:
    return Secret(NAME, SecretsManager(), check, clock or ManualClock(0.0))


def address_of() -> DatabaseAddress:
    return secrets.database_address(secret_of())


def test_a_secret_in_the_form_of_rds_is_an_address() -> None:
    store(SecretString=json.dumps(RDS))
    address = address_of()
    assert address == DatabaseAddress("db.example.com", 3307, "shop", PASSWORD, "coupons")
    assert PASSWORD not in repr(address)


def test_a_secret_that_rds_manages_holds_no_address_so_the_settings_do() -> None:
    store(SecretString=json.dumps({"username": "shop", "password": PASSWORD}))
    address = secrets.database_address(secret_of(), "proxy.example.com", 3308, "coupons")
    assert address == DatabaseAddress("proxy.example.com", 3308, "shop", PASSWORD, "coupons")
    with pytest.raises(ConfigurationError, match="lacks host"):
        address_of()


@pytest.mark.parametrize("port", ["3307", 3307])
def test_a_port_may_be_written_as_text(port: object) -> None:
    store(SecretString=json.dumps(RDS | {"port": port}))
    assert address_of().port == 3307


def test_without_a_port_it_is_mysqls_own() -> None:
    store(SecretString=json.dumps({k: v for k, v in RDS.items() if k != "port"}))
    assert address_of().port == 3306


def test_a_secret_is_cached_for_a_while_and_then_read_again() -> None:
    store(SecretString="first")
    secret = secret_of(clock := ManualClock(0.0))
    assert secret.current() == "first"
    change("second")
    clock.now_s = MAX_AGE_S - 1
    assert secret.current() == "first"
    clock.now_s = MAX_AGE_S
    assert (secret.current(), secret.previous(DAY_S)) == ("second", "first")


def test_a_secret_that_was_refused_is_read_again_once_in_a_while() -> None:
    store(SecretString="first")
    secret = secret_of(clock := ManualClock(0.0))
    secret.current()
    change("second")
    assert not secret.renew()  # it was read just now
    clock.now_s = RENEW_EVERY_S
    assert secret.renew()
    assert (secret.current(), secret.previous(DAY_S)) == ("second", "first")
    change("third")
    clock.now_s += RENEW_EVERY_S - 1
    assert not secret.renew()
    clock.now_s += 1
    assert secret.renew()
    clock.now_s += RENEW_EVERY_S
    assert not secret.renew()  # Secrets Manager has no other one


def test_a_secret_without_a_rotation_has_no_previous_one() -> None:
    store(SecretString="first")
    secret = secret_of()
    assert (secret.current(), secret.previous(DAY_S)) == ("first", None)


def test_while_secrets_manager_is_down_the_old_secret_is_used_but_not_for_ever() -> None:
    store(SecretString="first")
    source = Unsteady(SecretsManager())
    secret = Secret(NAME, source, clock=(clock := ManualClock(0.0)))
    assert secret.current() == "first"
    source.reachable = False
    clock.now_s = MAX_AGE_S
    assert [secret.current() for _ in range(50)] == ["first"] * 50
    assert source.questions == 2  # one with a response, and one without
    assert not secret.renew()
    clock.now_s = STALE_S_MAX
    with pytest.raises(UnavailableError):
        secret.current()
    source.reachable = True
    clock.now_s += RENEW_EVERY_S
    assert secret.current() == "first"


def test_an_unfit_secret_is_refused_by_its_variable_and_not_shown() -> None:
    store(SecretString="much-too-tiny")
    secret = secret_of(check=lambda text: checked_secret("AUTH_JWT_SECRET_ID", text))
    with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET_ID is shorter") as caught:
        secret.current()
    assert "tiny" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r3dis-passw0rd", ("r3dis-passw0rd",)),
        ('{"username": "shop", "password": "r3dis"}', ("shop", "r3dis")),
        ("12345", ("12345",)),
        ('{"password": 5}', ('{"password": 5}',)),
    ],
)
def test_redis_has_a_password_or_a_user_with_one(text: str, expected: tuple[str, ...]) -> None:
    store(SecretString=text)
    assert secrets.redis_credentials(secret_of()) == expected


def test_a_secret_that_is_not_there_is_an_outage_that_names_it() -> None:
    with pytest.raises(UnavailableError, match=NAME):
        address_of()


def test_without_a_region_it_is_an_outage_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UnavailableError):
        address_of()


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        f'{{"password": "{PASSWORD}"',
        "",
        "[]",
        "null",
        f'["{PASSWORD}"]',
        *[
            json.dumps({k: v for k, v in RDS.items() if k != name})
            for name in RDS
            if name not in {"engine", "port"}
        ],
        json.dumps(RDS | {"port": PASSWORD}),
        json.dumps(RDS | {"port": None}),
        json.dumps(RDS | {"password": None}),
        json.dumps(RDS | {"host": ["db.example.com"]}),
    ],
)
def test_a_secret_of_another_form_is_refused_without_showing_it(text: str) -> None:
    store(SecretString=text or " ")
    with pytest.raises(ConfigurationError, match=r"^DATABASE_SECRET_ID: prod/coupons ") as caught:
        address_of()
    shown = [
        line
        for line in traceback.format_exception(caught.value)
        if not line.lstrip().startswith("File ")  # with their source, which is this file's
    ]
    assert not any(PASSWORD in line for line in shown)
    assert caught.value.__suppress_context__


def test_a_secret_of_bytes_is_refused() -> None:
    store(SecretBinary=json.dumps(RDS).encode())
    with pytest.raises(ConfigurationError, match="DATABASE_SECRET_ID"):
        address_of()


def test_the_service_asks_for_it_when_it_first_needs_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in DEVELOPMENT_SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_SECRET_ID", NAME)
    monkeypatch.setenv("DATABASE_TLS", "verify")
    database = wiring.database()  # before the secret exists
    store(SecretString=json.dumps(RDS | {"host": "127.0.0.1", "port": 1}))
    with pytest.raises(UnavailableError, match=r"MySQL gave no answer \(error 2003\)"):
        database.run(lambda _: None)
    assert wiring.secrets().database_address().tls.mode is TlsMode.VERIFY
