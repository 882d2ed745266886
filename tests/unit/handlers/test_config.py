"""handlers/config.py: a wrong setting stops the start, names the variable and shows no secret."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from handlers.config import ConfigurationError, KafkaSecurity, Settings
from handlers.database_address import DatabaseAddress, DatabaseTls, TlsMode

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t-of-a-production-service-0123456789"
CODE_SECRET = "s3cr3t-of-the-coupon-codes-0123456789-abc"
DATABASE_PASSWORD = "d4tabase-passw0rd"
GOOD = {
    "STAGE": "prod",
    "REDIS_URL": "rediss://:r3dis-passw0rd@redis.example.com:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "a.example.com:9092, b.example.com:9092",
    "DATABASE_URL": f"mysql://shop:{DATABASE_PASSWORD}@db.example.com/coupons",
    "AUTH_JWT_SECRET": SECRET,
    "COUPON_CODE_SECRET": CODE_SECRET,
    # The defaults are for development.
    "INSECURE_ALLOWED": "kafka-in-the-clear, database-tls",
}
FROM_AN_ISSUER = {"AUTH_ISSUER": "https://id.example.com/", "AUTH_AUDIENCE": "coupons"}
# Where one of several is enough, or none is needed.
ONE_OF = {"AUTH_JWT_SECRET", "COUPON_CODE_SECRET", "DATABASE_URL", "INSECURE_ALLOWED"}
SECRETS = ("r3dis-passw0rd", DATABASE_PASSWORD, SECRET, CODE_SECRET, "k4fka-passw0rd")
SCRAM = {
    "KAFKA_SECURITY": "SASL_SSL_SCRAM",
    "KAFKA_USERNAME": "shop",
    "KAFKA_PASSWORD": "k4fka-passw0rd",
}


def refusal(environment: dict[str, str]) -> str:
    """Return everything that a traceback of the refusal shows."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment(environment)
    return "".join(traceback.format_exception(caught.value))


def message(environment: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment(environment)
    return str(caught.value)


def test_everything_that_need_not_be_set_has_its_default() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.kafka_bootstrap_servers == ("a.example.com:9092", "b.example.com:9092")
    assert settings.kafka_security is KafkaSecurity.PLAINTEXT
    assert (settings.coupon_topic, settings.consumer_group) == ("coupon_create", "group_1")
    assert (settings.redis_cluster, settings.redis_epoch) == (False, True)
    assert settings.redis_confirming_replicas == 0
    assert settings.kafka_ack_timeout_ms == 2000
    assert settings.pending_resend_after_s == 30
    assert settings.redrive_max_attempts == 8
    assert (settings.auth_jwks_url, settings.database_secret_id) == ("", "")
    assert not settings.has_challenge_secret


def test_a_database_url_gives_its_parts_unescaped() -> None:
    address = DatabaseAddress.from_url("mysql://sh%40p:p%2Fw%23%20%3A@db.example.com:3307/coupons")
    assert address == DatabaseAddress("db.example.com", 3307, "sh@p", "p/w# :", "coupons")


def test_a_database_url_without_port_or_password_is_complete() -> None:
    address = DatabaseAddress.from_url("mysql://shop@db.example.com/coupons")
    assert address == DatabaseAddress("db.example.com", 3306, "shop", "", "coupons")


def test_a_database_is_verified_when_asked_in_any_form_of_its_address(tmp_path: Path) -> None:
    ca_file = tmp_path / "authority.pem"
    verified = {"DATABASE_TLS": "verify", "DATABASE_CA_FILE": str(ca_file)}
    assert message(GOOD | verified) == f"DATABASE_CA_FILE: there is no file {ca_file}"
    ca_file.touch()
    expected = DatabaseTls(TlsMode.VERIFY, str(ca_file))
    settings = Settings.from_environment(GOOD | verified)
    assert settings.database_address
    assert settings.database_tls == settings.database_address.tls == expected
    assert Settings.from_environment(GOOD).database_tls == DatabaseTls(TlsMode.PREFER)


@pytest.mark.parametrize("name", [n for n in GOOD if n not in ONE_OF])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {k: v for k, v in GOOD.items() if k != name}
    if value is not None:
        environment[name] = value
    assert message(environment) == f"{name} is not set"


@pytest.mark.parametrize(
    ("first", "others", "value"),
    [
        ("DATABASE_URL", ["DATABASE_SECRET_ID"], "prod/db"),
        (
            "AUTH_JWT_SECRET",
            ["AUTH_JWT_SECRET_ID", "AUTH_JWKS_URL"],
            "https://id.example.com/keys",
        ),
        ("COUPON_CODE_SECRET", ["COUPON_CODE_SECRET_ID"], "prod/code"),
    ],
)
def test_of_several_ways_exactly_one_is_set(first: str, others: list[str], value: str) -> None:
    names = ", ".join([first, *others])
    assert message(GOOD | {first: ""}) == f"set exactly one of {names}: none is set"
    for other in others:
        both = message(GOOD | {other: value})
        assert both == f"set exactly one of {names}: {first} and {other} are set"
        settings = Settings.from_environment(GOOD | FROM_AN_ISSUER | {first: "", other: value})
        assert getattr(settings, other.lower()) == value
        assert getattr(settings, first.lower(), None) in {"", None}


def test_the_user_that_migrates_is_named_in_one_way_or_not_at_all() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.migration_database_address is None
    url = {"MIGRATION_DATABASE_URL": "mysql://owner:0wner-passw0rd@db.example.com/coupons"}
    owner = Settings.from_environment(GOOD | url).migration_database_address
    assert owner is not None
    assert (owner.user, owner.password) == ("owner", "0wner-passw0rd")
    secret = {"MIGRATION_DATABASE_SECRET_ID": "prod/owner"}
    assert Settings.from_environment(GOOD | secret).migration_database_secret_id == "prod/owner"
    both = "MIGRATION_DATABASE_URL and MIGRATION_DATABASE_SECRET_ID are set"
    assert message(GOOD | url | secret).endswith(both)


def test_challenges_need_one_of_two_settings_and_not_both() -> None:
    values = {"CHALLENGE_SECRET": SECRET[::-1], "CHALLENGE_SECRET_ID": "prod/challenge"}
    for name, value in values.items():
        settings = Settings.from_environment(GOOD | {name: value})
        assert (settings.has_challenge_secret, getattr(settings, name.lower())) == (True, value)
    assert message(GOOD | values).startswith(f"set at most one of {', '.join(values)}: ")


def test_an_issuers_keys_over_plain_http_are_for_a_local_stage_only() -> None:
    plain = GOOD | {"AUTH_JWT_SECRET": "", "AUTH_JWKS_URL": "http://id.example.com/keys"}
    assert message(plain) == "AUTH_JWKS_URL must begin with https://"
    assert Settings.from_environment(plain | {"STAGE": "local"}).auth_jwks_url


def test_iam_needs_the_region_that_a_token_is_signed_for() -> None:
    iam = GOOD | {"KAFKA_SECURITY": "SASL_SSL_IAM"}
    assert message(iam) == "AWS_REGION is not set"
    assert Settings.from_environment(iam | {"AWS_REGION": "eu-west-1"}).aws_region == "eu-west-1"


@pytest.mark.parametrize("name", ["KAFKA_USERNAME", "KAFKA_PASSWORD"])
def test_scram_needs_a_name_and_a_password(name: str) -> None:
    assert message(GOOD | SCRAM | {name: ""}) == f"{name} is not set"
    assert Settings.from_environment(GOOD | SCRAM).kafka_username == "shop"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://redis.example.com"),
        ("REDIS_URL", "redis.example.com:6379"),
        ("REDIS_URL", "redis://redis.example.com:port/0"),
        ("REDIS_URL", "redis://redis.example.com:99999/0"),
        ("REDIS_CLUSTER", "maybe"),
        ("REDIS_EPOCH", "2"),
        ("REDIS_CONFIRMING_REPLICAS", "-1"),
        ("REDIS_CONFIRMING_REPLICAS", "10"),
        ("REDIS_CONFIRMING_REPLICAS", "1.5"),
        ("REDIS_CONFIRMING_REPLICAS", "all"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:0"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:65536"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:9092,:9092"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", ","),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker:" + "9" * 5000),
        ("KAFKA_SECURITY", "SSL"),
        ("DATABASE_URL", "postgres://shop@db.example.com/coupons"),
        ("DATABASE_URL", "mysql://db.example.com/coupons"),
        ("DATABASE_URL", "mysql://shop@db.example.com"),
        ("DATABASE_URL", "mysql://shop@/coupons"),
        ("DATABASE_URL", "mysql://shop@db.example.com:port/coupons"),
        ("DATABASE_URL", "mysql://shop@db.example.com:99999/coupons"),
        ("DATABASE_URL", "mysql://shop@[db/coupons"),
        ("MIGRATION_DATABASE_URL", "mysql://db.example.com/coupons"),
        ("DATABASE_TLS", "required"),
        ("DATABASE_CA_FILE", "/etc/authority.pem"),  # with a TLS that verifies nothing
        ("AUTH_JWT_SECRET", "too-short"),
        ("COUPON_CODE_SECRET", "x" * 31),
        ("CHALLENGE_SECRET", "x" * 31),
        ("KAFKA_ACK_TIMEOUT_MS", "99"),
        ("KAFKA_ACK_TIMEOUT_MS", "20001"),
        ("KAFKA_ACK_TIMEOUT_MS", "2s"),
        ("PENDING_RESEND_AFTER_S", "0"),
        ("PENDING_RESEND_AFTER_S", "-1"),
        ("REDRIVE_MAX_ATTEMPTS", "1.5"),
        ("REDRIVE_MAX_ATTEMPTS", "9" * 5000),
        ("APPLY_RATE_PER_S", "²"),
        ("APPLY_RATE_PER_S", "-1"),
        ("APPLY_RATE_PER_ADDRESS_PER_S", "1000001"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str) -> None:
    assert message(GOOD | {name: value}).startswith(f"{name} ")


def test_a_malformed_jwks_url_is_named() -> None:
    environment = GOOD | {"AUTH_JWT_SECRET": "", "AUTH_JWKS_URL": "file:///etc/keys"}
    assert message(environment) == "AUTH_JWKS_URL must begin with https://"


@pytest.mark.parametrize(
    "broken",
    [
        {"STAGE": ""},
        {"KAFKA_BOOTSTRAP_SERVERS": "none"},
        {"REDRIVE_MAX_ATTEMPTS": "many"},
        {"AUTH_JWKS_URL": "https://id.example.com/keys"},
        {"DATABASE_SECRET_ID": "prod/db"},
        {"AUTH_JWT_SECRET": "s3cr3t"},
        {"REDIS_URL": "http://:r3dis-passw0rd@redis.example.com"},
        {"REDIS_URL": "redis://:r3dis-passw0rd/0@redis.example.com"},
        {"DATABASE_URL": f"mysql://{DATABASE_PASSWORD}"},
        # Characters that an operator forgot to escape.
        {"DATABASE_URL": f"mysql://shop:{DATABASE_PASSWORD}/x@db.example.com/coupons"},
        {"DATABASE_URL": f"mysql://shop:{DATABASE_PASSWORD}#x@db.example.com/coupons"},
        {"DATABASE_URL": f"mysql://shop:{DATABASE_PASSWORD}?x@db.example.com/coupons"},
        {"DATABASE_URL": f"mysql://shop:[{DATABASE_PASSWORD}]@db.example.com/coupons"},
        {"MIGRATION_DATABASE_URL": f"mysql://shop:[{DATABASE_PASSWORD}]@db.example.com/coupons"},
    ],
)
def test_no_refusal_shows_a_secret(broken: dict[str, str]) -> None:
    # A failing start prints the whole traceback, with the causes of the error; the source lines
    # of this file in it are not a leak, so the test skips them.
    shown = [line for line in refusal(GOOD | SCRAM | broken).splitlines() if "Error" in line]
    assert shown
    for secret in (*SECRETS, "s3cr3t"):
        assert not any(secret in line for line in shown)


def test_settings_are_shown_without_secrets() -> None:
    settings = Settings.from_environment(GOOD | SCRAM)
    for secret in SECRETS:
        assert secret not in repr(settings)
        assert secret not in str(settings.database_address)
    assert "db.example.com" in repr(settings)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings.from_environment(GOOD).stage = "local"  # type: ignore[misc]
