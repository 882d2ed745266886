"""The secret of the MySQL user that migrates, beside the service's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from handlers.adapters.aws.secret_store import SecretStore
from handlers.config import ConfigurationError, Settings
from local.dev_settings import DEVELOPMENT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVICE, OWNER = "prod/service", "prod/owner"
SAFE = {
    "STAGE": "prod",
    "REDIS_URL": "rediss://:r3dis-passw0rd@redis.example.com",
    "KAFKA_BOOTSTRAP_SERVERS": "broker.example.com:9098",
    "KAFKA_SECURITY": "SASL_SSL_IAM",
    "AWS_REGION": "eu-central-1",
    "DATABASE_SECRET_ID": SERVICE,
    "DATABASE_HOST": "proxy.example.com",
    "DATABASE_TLS": "verify",
    "AUTH_JWT_SECRET": "s3cr3t-of-a-production-service-0123456789",
    "COUPON_CODE_SECRET": "s3cr3t-of-the-coupon-codes-0123456789-abc",
}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with both secrets, and worthless credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        create(SERVICE, username="shop", password="of-the-shop")
        create(OWNER, username="owner", password="of-the-owner")
        yield


def create(name: str, **secret: str) -> None:
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(secret))


@pytest.fixture
def with_owner() -> Callable[[str], SecretStore]:
    """The secrets of a process whose settings name the migration's user so."""
    return lambda name: SecretStore(
        Settings.from_environment(SAFE | {"MIGRATION_DATABASE_SECRET_ID": name})
    )


def test_the_migration_has_a_user_of_its_own_behind_the_same_host(
    with_owner: Callable[[str], SecretStore],
) -> None:
    secrets = with_owner(OWNER)
    assert secrets.database_address().user == "shop"
    owner = secrets.migration_address()
    assert (owner.user, owner.password) == ("owner", "of-the-owner")
    assert (owner.host, owner.database) == ("proxy.example.com", "seonchak")


@pytest.mark.parametrize("name", ["", SERVICE])
def test_without_one_of_its_own_the_services_user_migrates(
    with_owner: Callable[[str], SecretStore], name: str
) -> None:
    secrets = with_owner(name)
    assert secrets.migration_address() == secrets.database_address()


def test_two_users_with_one_password_are_refused_when_it_is_read(
    with_owner: Callable[[str], SecretStore],
) -> None:
    create("prod/same", username="owner", password="of-the-shop")
    secrets = with_owner("prod/same")
    assert secrets.database_address().password == "of-the-shop"
    with pytest.raises(ConfigurationError, match=r"one secret for two purposes") as caught:
        secrets.migration_address()
    assert "of-the-shop" not in str(caught.value)


def test_a_published_password_in_the_services_secret_is_refused_when_it_is_read(
    with_owner: Callable[[str], SecretStore],
) -> None:
    published = DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"]
    create("prod/published", username="owner", password=published)
    with pytest.raises(ConfigurationError, match=r"\[development-secrets\]") as caught:
        with_owner("prod/published").migration_address()
    assert published not in str(caught.value)


def test_a_malformed_secret_of_the_migrations_user_is_named_by_its_setting(
    with_owner: Callable[[str], SecretStore],
) -> None:
    create("prod/empty", username="owner")
    with pytest.raises(ConfigurationError, match=r"^MIGRATION_DATABASE_SECRET_ID: prod/empty "):
        with_owner("prod/empty").migration_address()
