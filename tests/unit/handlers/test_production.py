"""handlers/production.py: what is insecure stops a production, all of it in one sentence."""

from __future__ import annotations

import json
import re

import pytest

from handlers.config import ConfigurationError, Settings
from handlers.production import Check, FetchedSecrets
from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.support.paths import ROOT

SECRET = "s3cr3t-of-a-production-service-0123456789"
CODE_SECRET = "s3cr3t-of-the-coupon-codes-0123456789-abc"
SAFE = {
    "STAGE": "prod",
    "REDIS_URL": "rediss://:r3dis-passw0rd@redis.example.com:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "a.example.com:9098",
    "KAFKA_SECURITY": "SASL_SSL_SCRAM",
    "KAFKA_USERNAME": "shop",
    "KAFKA_PASSWORD": "k4fka-passw0rd",
    "DATABASE_URL": "mysql://shop:d4tabase-passw0rd@db.example.com/coupons",
    "DATABASE_TLS": "verify",
    "AUTH_JWT_SECRET": SECRET,
    "COUPON_CODE_SECRET": CODE_SECRET,
}
IN_AWS = {
    "REDIS_URL": "rediss://redis.example.com:6379/0",
    "REDIS_AUTH_SECRET_ID": "prod/redis",
    "KAFKA_SECURITY": "SASL_SSL_IAM",
    "KAFKA_USERNAME": "",
    "KAFKA_PASSWORD": "",
    "AWS_REGION": "ap-northeast-2",
    "DATABASE_URL": "",
    "DATABASE_SECRET_ID": "prod/db",
    "AUTH_JWT_SECRET": "",
    "AUTH_JWT_SECRET_ID": "prod/jwt",
    "COUPON_CODE_SECRET": "",
    "COUPON_CODE_SECRET_ID": "prod/code",
}
EXAMPLE = (ROOT / "local" / ".env.example").read_text(encoding="utf-8")
PUBLISHED = sorted(set(re.findall(r"^\w+_(?:SECRET|PASSWORD)=(.+)$", EXAMPLE, re.MULTILINE)))
PUBLISHED += [value for name, value in DEVELOPMENT_SETTINGS.items() if name.endswith("SECRET")]


def read(environment: dict[str, str]) -> Settings:
    return Settings.from_environment(SAFE | environment)


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(environment)
    return str(caught.value)


def refused(environment: dict[str, str]) -> list[str]:
    """Return the checks that refuse these settings."""
    return re.findall(r"\[([a-z-]+)\]", refusal(environment))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"REDIS_URL": "unix://:r3dis@/run/redis.sock"},
        {"REDIS_URL": "rediss://:r3dis@a?ssl_cert_reqs=required&ssl_check_hostname=True"},
        {"REDIS_URL": "rediss+sentinel://:r3dis@a,b/primary"},
        IN_AWS,
        {"ORIGIN_SECRET": f"{'o' * 32}, {'p' * 32}"},
        {"ORIGIN_SECRET": f"{'o' * 32},{'o' * 32}"},  # not replaced yet
        IN_AWS | {"MIGRATION_DATABASE_SECRET_ID": "prod/owner"},
        IN_AWS | {"MIGRATION_DATABASE_SECRET_ID": "prod/db"},  # the migration judges that
    ],
)
def test_a_safe_production_starts(environment: dict[str, str]) -> None:
    assert read(environment).insecure_allowed == frozenset()


@pytest.mark.parametrize(
    ("environment", "check"),
    [
        ({"REDIS_URL": "rediss://redis.example.com/0"}, "redis-without-password"),
        ({"REDIS_URL": "rediss://shop@redis.example.com/0"}, "redis-without-password"),
        ({"REDIS_URL": "rediss://shop:@redis.example.com/0"}, "redis-without-password"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "redis-without-password"),
        (
            {"REDIS_URL": "rediss+sentinel://a,b/primary?sentinel_password=x"},
            "redis-without-password",
        ),
        ({"REDIS_URL": "rediss://a,b", "REDIS_CLUSTER": "on"}, "redis-without-password"),
        ({"REDIS_URL": "redis://:r3dis@redis.example.com/0"}, "redis-tls"),
        ({"REDIS_URL": "redis+sentinel://:r3dis@a,b/primary"}, "redis-tls"),
        ({"REDIS_URL": "redis://:r3dis@a,b", "REDIS_CLUSTER": "on"}, "redis-tls"),
        (IN_AWS | {"REDIS_URL": "redis://redis.example.com"}, "redis-tls"),
        ({"REDIS_URL": "rediss://:r3dis@a?ssl_cert_reqs=none"}, "redis-tls"),
        ({"REDIS_URL": "rediss://:r3dis@a?ssl_cert_reqs=optional"}, "redis-tls"),
        ({"REDIS_URL": "rediss://:r3dis@a?ssl_check_hostname=False"}, "redis-tls"),
        ({"KAFKA_SECURITY": "PLAINTEXT"}, "kafka-in-the-clear"),
        ({"KAFKA_SECURITY": ""}, "kafka-in-the-clear"),
        ({"DATABASE_TLS": "off"}, "database-tls"),
        ({"DATABASE_TLS": "prefer"}, "database-tls"),
        ({"DATABASE_TLS": ""}, "database-tls"),
        ({"WEBHOOK_INTERNAL": "on"}, "webhook-internal"),
        ({"COUPON_CODE_SECRET": SECRET}, "shared-secrets"),
        ({"WEBHOOK_SECRET": SECRET}, "shared-secrets"),
        ({"ORIGIN_SECRET": SECRET}, "shared-secrets"),
        ({"ORIGIN_SECRET": f"{'o' * 32},{SECRET}"}, "shared-secrets"),
        ({"WEBHOOK_SECRET": f"a-{PUBLISHED[-1]}"}, "development-secrets"),
        ({"REDIS_URL": f"rediss://:{SECRET}@redis.example.com"}, "shared-secrets"),
        ({"REDIS_URL": "rediss://redis.example.com?password=k4fka-passw0rd"}, "shared-secrets"),
        ({"KAFKA_PASSWORD": "d4tabase-passw0rd"}, "shared-secrets"),
        ({"MIGRATION_DATABASE_URL": SAFE["DATABASE_URL"]}, "shared-secrets"),
        (IN_AWS | {"MIGRATION_DATABASE_SECRET_ID": "prod/jwt"}, "shared-secrets"),
        ({"DATABASE_URL": "mysql://shop:k4fka%2Dpassw0rd@db.example.com/c"}, "shared-secrets"),
        (IN_AWS | {"AUTH_JWT_SECRET_ID": "prod/code"}, "shared-secrets"),
        (IN_AWS | {"REDIS_AUTH_SECRET_ID": "prod/db"}, "shared-secrets"),
    ],
)
def test_what_is_insecure_is_refused_unless_it_is_named_or_the_stage_is_local(
    environment: dict[str, str], check: str
) -> None:
    assert refused(environment) == [check]
    allowed = environment | {"INSECURE_ALLOWED": f" {check} ,"}
    assert read(allowed).insecure_allowed == {check}
    others = ",".join(set(Check) - {Check(check)})
    assert refused(environment | {"INSECURE_ALLOWED": others}) == [check]
    assert read(environment | {"STAGE": "local"}).stage == "local"


@pytest.mark.parametrize("published", PUBLISHED)
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("AUTH_JWT_SECRET", "{}"),
        ("AUTH_JWT_SECRET", "a-longer-one-of-{}"),
        ("COUPON_CODE_SECRET", "{}"),
        ("KAFKA_PASSWORD", "{}"),
        ("REDIS_URL", "rediss://:{}@redis.example.com"),
        ("REDIS_URL", "rediss+sentinel://:p@a,b/primary?sentinel_password={}"),
        ("DATABASE_URL", "mysql://shop:{}@db.example.com/coupons"),
        ("MIGRATION_DATABASE_URL", "mysql://shop:{}@db.example.com/coupons"),
    ],
)
def test_a_published_password_is_refused_wherever_it_is(
    name: str, form: str, published: str
) -> None:
    for text in (published, published.replace("-", "%2D")):
        if "%" in text and not form.count("://"):
            continue  # nothing unescapes it there
        environment = {name: form.format(text)}
        assert refused(environment) == ["development-secrets"]
        assert f"{name} has a published development secret" in refusal(environment)
        assert read(environment | {"STAGE": "local"})
        assert read(environment | {"INSECURE_ALLOWED": "development-secrets"})


def test_a_published_password_in_the_address_of_the_issuers_keys_is_refused() -> None:
    url = f"https://shop:{PUBLISHED[0]}@id.example.com/keys"
    issuer = {"AUTH_ISSUER": "https://id.example.com", "AUTH_AUDIENCE": "coupons"}
    found = refused({"AUTH_JWT_SECRET": "", "AUTH_JWKS_URL": url} | issuer)
    assert found == ["development-secrets"]


def test_all_that_is_insecure_is_said_at_once_and_no_value_is_shown() -> None:
    everything = {
        "REDIS_URL": "redis://redis.example.com",
        "KAFKA_SECURITY": "PLAINTEXT",
        "DATABASE_TLS": "prefer",
        "DATABASE_URL": f"mysql://shop:{SECRET}@db.example.com/coupons",
        "COUPON_CODE_SECRET": PUBLISHED[0],
    }
    text = refusal(everything)
    assert re.findall(r"\[([a-z-]+)\]", text) == [
        "development-secrets",
        "shared-secrets",
        "redis-without-password",
        "redis-tls",
        "kafka-in-the-clear",
        "database-tls",
    ]
    assert "DATABASE_URL and AUTH_JWT_SECRET have one secret for two purposes" in text
    assert text.startswith("STAGE=prod refuses what is insecure: ")
    assert "INSECURE_ALLOWED" in text
    for value in (SECRET, *PUBLISHED, "example.com", "shop"):
        assert value not in text


@pytest.mark.parametrize("stage", ["prod", "local"])
def test_an_exception_that_no_check_has_is_refused(stage: str) -> None:
    text = refusal({"STAGE": stage, "INSECURE_ALLOWED": "kafka, database-tls"})
    assert text.startswith("INSECURE_ALLOWED: must be some of development-secrets, ")
    assert text.endswith(", not 'kafka'")


def test_a_fetched_secret_is_refused_as_one_of_the_environment_is() -> None:
    check = FetchedSecrets(read(IN_AWS)).check
    database = json.dumps({"username": "shop", "password": "d4tabase"})
    assert check("DATABASE_SECRET_ID", database) == database
    assert check("AUTH_JWT_SECRET_ID", SECRET) == SECRET
    assert check("AUTH_JWT_SECRET_ID", SECRET) == SECRET  # read again
    with pytest.raises(ConfigurationError, match=r"\[development-secrets\]") as published:
        check("REDIS_AUTH_SECRET_ID", json.dumps({"username": "u", "password": PUBLISHED[0]}))
    both = r"DATABASE_SECRET_ID and REDIS_AUTH_SECRET_ID have one secret for two purposes"
    with pytest.raises(ConfigurationError, match=both) as shared:
        check("REDIS_AUTH_SECRET_ID", "d4tabase")
    for caught in (published, shared):
        assert not any(text in str(caught.value) for text in ("d4tabase", PUBLISHED[0]))


def test_a_fetched_secret_is_compared_with_those_of_the_environment() -> None:
    mixed = read({"COUPON_CODE_SECRET": "", "COUPON_CODE_SECRET_ID": "prod/code"})
    both = "AUTH_JWT_SECRET and COUPON_CODE_SECRET_ID have one secret"
    with pytest.raises(ConfigurationError, match=both):
        FetchedSecrets(mixed).check("COUPON_CODE_SECRET_ID", SECRET)


@pytest.mark.parametrize("allowed", [{"STAGE": "local"}, {"INSECURE_ALLOWED": "shared-secrets"}])
def test_a_fetched_secret_may_have_two_purposes_where_that_is_allowed(
    allowed: dict[str, str],
) -> None:
    check = FetchedSecrets(read(IN_AWS | allowed)).check
    assert {check("AUTH_JWT_SECRET_ID", SECRET), check("COUPON_CODE_SECRET_ID", SECRET)} == {SECRET}
