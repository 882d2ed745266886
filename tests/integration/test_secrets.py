"""The database's address from AWS Secrets Manager, which moto plays."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from handlers import wiring
from handlers.adapters import secrets
from handlers.config import ConfigurationError, DatabaseAddress
from handlers.domain.errors import UnavailableError
from local.development import DEVELOPMENT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "prod/coupons"
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
    """An empty account, and credentials that are good for nothing."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    wiring.reset()
    with mock_aws():
        yield
    wiring.reset()


def keep(**secret: Any) -> None:
    boto3.client("secretsmanager").create_secret(Name=NAME, **secret)


def test_a_secret_in_the_form_of_rds_is_an_address() -> None:
    keep(SecretString=json.dumps(RDS))
    address = secrets.database_address(NAME)
    assert address == DatabaseAddress("db.example.com", 3307, "shop", PASSWORD, "coupons")
    assert PASSWORD not in repr(address)


@pytest.mark.parametrize("port", ["3307", 3307])
def test_a_port_may_be_written_as_text(port: object) -> None:
    keep(SecretString=json.dumps(RDS | {"port": port}))
    assert secrets.database_address(NAME).port == 3307


def test_without_a_port_it_is_mysqls_own() -> None:
    keep(SecretString=json.dumps({k: v for k, v in RDS.items() if k != "port"}))
    assert secrets.database_address(NAME).port == 3306


def test_a_rotated_password_is_read_anew() -> None:
    keep(SecretString=json.dumps(RDS))
    secrets.database_address(NAME)
    client = boto3.client("secretsmanager")
    client.put_secret_value(SecretId=NAME, SecretString=json.dumps(RDS | {"password": "new"}))
    assert secrets.database_address(NAME).password == "new"


def test_a_secret_that_is_not_there_is_an_outage_that_names_it() -> None:
    with pytest.raises(UnavailableError, match=NAME):
        secrets.database_address(NAME)


def test_without_a_region_it_is_an_outage_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UnavailableError):
        secrets.database_address(NAME)


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
    keep(SecretString=text or " ")
    with pytest.raises(ConfigurationError, match=r"^DATABASE_SECRET_ID: prod/coupons ") as caught:
        secrets.database_address(NAME)
    shown = [
        line
        for line in traceback.format_exception(caught.value)
        if not line.lstrip().startswith("File ")  # with their source, which is this file's
    ]
    assert not any(PASSWORD in line for line in shown)
    assert caught.value.__suppress_context__


def test_a_secret_of_bytes_is_refused() -> None:
    keep(SecretBinary=json.dumps(RDS).encode())
    with pytest.raises(ConfigurationError, match="DATABASE_SECRET_ID"):
        secrets.database_address(NAME)


def test_the_service_asks_for_it_when_it_first_needs_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in DEVELOPMENT_SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_SECRET_ID", NAME)
    database = wiring.database()  # before there is such a secret
    keep(SecretString=json.dumps(RDS | {"host": "127.0.0.1", "port": 1}))
    with pytest.raises(UnavailableError, match=r"MySQL gave no answer \(error 2003\)"):
        database.run(lambda _: None)
