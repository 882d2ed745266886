"""What a stage other than `local` refuses of the settings, and what INSECURE_ALLOWED excepts.

A demo's settings must not reach a production by copying. All refusals come in one error, so an
operator mends them in one go. No message has a value: only names of variables and of checks.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from handlers.env_parser import DEVELOPMENT_SECRET_PREFIX, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handlers.config import Settings

LOCAL = "local"
ORIGIN_SECRETS = ("ORIGIN_SECRET", "the second ORIGIN_SECRET")
# Of redis-py's options in a URL: what demands a certificate, and what it takes for no.
VERIFIED = "required"
REDIS_FALSE = {"0", "f", "false", "n", "no"}


class Check(StrEnum):
    """What is refused; INSECURE_ALLOWED has these names."""

    DEVELOPMENT_SECRETS = "development-secrets"
    SHARED_SECRETS = "shared-secrets"
    REDIS_WITHOUT_PASSWORD = "redis-without-password"  # noqa: S105 - the name of a check
    REDIS_TLS = "redis-tls"
    KAFKA_IN_THE_CLEAR = "kafka-in-the-clear"
    DATABASE_TLS = "database-tls"
    DATABASE_OWNER = "database-owner"
    WEBHOOK_INTERNAL = "webhook-internal"


def refuse_insecure(settings: Settings) -> None:
    """Raise one ConfigurationError that names everything insecure and not allowed."""
    refuse(settings, list(_findings(settings)))


def refuse(settings: Settings, findings: list[tuple[Check, str]]) -> None:
    """Raise ConfigurationError naming the findings; none of them counts with STAGE=local."""
    found = [(check, what) for check, what in findings if check not in settings.insecure_allowed]
    if settings.stage == LOCAL or not found:
        return
    named = "; ".join(f"{what} [{check}]" for check, what in found)
    message = (
        f"STAGE={settings.stage} refuses what is insecure: {named}."
        " Mend it, or name what is in brackets in INSECURE_ALLOWED"
    )
    raise ConfigurationError(message)


def _findings(settings: Settings) -> Iterator[tuple[Check, str]]:
    for name, text in _texts(settings).items():
        if DEVELOPMENT_SECRET_PREFIX in text:
            yield Check.DEVELOPMENT_SECRETS, f"{name} has a published development secret"
    for names in _shared({**_passwords(settings), **_secret_ids(settings)}):
        yield Check.SHARED_SECRETS, f"{' and '.join(names)} have one secret for two purposes"
    if not (_redis_password(settings) or settings.redis_auth_secret_id):
        yield Check.REDIS_WITHOUT_PASSWORD, "REDIS_URL has no password"
    if what := _redis_without_tls(settings):
        yield Check.REDIS_TLS, what
    if "SSL" not in settings.kafka_security:
        what = f"KAFKA_SECURITY={settings.kafka_security} sends all in the clear"
        yield Check.KAFKA_IN_THE_CLEAR, what
    if (mode := settings.database_tls.mode) != "verify":
        yield Check.DATABASE_TLS, f"DATABASE_TLS={mode} does not verify the server"
    if settings.webhook_internal:
        what = "WEBHOOK_INTERNAL=on lets webhooks reach this network, and without TLS"
        yield Check.WEBHOOK_INTERNAL, what


def _texts(settings: Settings) -> dict[str, str]:
    """Return what may have a secret in it, by variable and unescaped."""
    urls = {"REDIS_URL": settings.redis_url, "AUTH_JWKS_URL": settings.auth_jwks_url}
    return _passwords(settings) | {name: unquote(url) for name, url in urls.items()}


def _passwords(settings: Settings) -> dict[str, str]:
    """Return the secrets themselves, by variable; empty where there is none."""
    address, owner = settings.database_address, settings.migration_database_address
    return {
        "REDIS_URL": _redis_password(settings),
        "KAFKA_PASSWORD": settings.kafka_password,
        "DATABASE_URL": address.password if address else "",
        "MIGRATION_DATABASE_URL": owner.password if owner else "",
        "AUTH_JWT_SECRET": settings.auth_jwt_secret,
        "COUPON_CODE_SECRET": settings.coupon_code_secret,
        "CHALLENGE_SECRET": settings.challenge_secret,
        "WEBHOOK_SECRET": settings.webhook_secret,
        **dict(zip(ORIGIN_SECRETS, settings.origin_secrets, strict=False)),
    }


def _secret_ids(settings: Settings) -> dict[str, str]:
    owner = settings.migration_database_secret_id
    return {
        "REDIS_AUTH_SECRET_ID": settings.redis_auth_secret_id,
        "DATABASE_SECRET_ID": settings.database_secret_id,
        # The same one means one user for both, which the migration itself judges.
        "MIGRATION_DATABASE_SECRET_ID": owner if owner != settings.database_secret_id else "",
        "AUTH_JWT_SECRET_ID": settings.auth_jwt_secret_id,
        "COUPON_CODE_SECRET_ID": settings.coupon_code_secret_id,
        "CHALLENGE_SECRET_ID": settings.challenge_secret_id,
        "WEBHOOK_SECRET_ID": settings.webhook_secret_id,
    }


def _redis_password(settings: Settings) -> str:
    parts = urlsplit(settings.redis.url)
    return unquote(parts.password or "") or parse_qs(parts.query).get("password", [""])[0]


def _redis_without_tls(settings: Settings) -> str:
    """Return what is wrong with the way to Redis; a socket in the file system needs no TLS."""
    parts = urlsplit(settings.redis.url)
    if parts.scheme == "redis":
        return "REDIS_URL sends all in the clear, its password too"
    # redis-py's options; each is off in its own words.
    options = {name: values[-1].lower() for name, values in parse_qs(parts.query).items()}
    is_verified = options.get("ssl_cert_reqs", VERIFIED) == VERIFIED
    if is_verified and options.get("ssl_check_hostname", "") not in REDIS_FALSE:
        return ""
    return "REDIS_URL does not verify the server"


def _shared(values: Mapping[str, str]) -> list[list[str]]:
    """Return the names of each value that has several."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        names.setdefault(value, []).append(name)
    return [found for value, found in names.items() if value and len(found) > 1]


class FetchedSecrets:
    """Refuses secrets of AWS Secrets Manager as those of the environment are refused.

    They are read when they are needed, so each is compared with those that are known by then.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owners = {value: name for name, value in _passwords(settings).items() if value}

    def check(self, variable: str, text: str) -> str:
        """Return the text of the secret that `variable` names; raise ConfigurationError."""
        findings = []
        if DEVELOPMENT_SECRET_PREFIX in text:
            what = f"the secret of {variable} is a published development secret"
            findings.append((Check.DEVELOPMENT_SECRETS, what))
        # Setting it is atomic: of two threads the second one meets the first one's entry.
        owner = self._owners.setdefault(_password_in(text), variable)
        if owner != variable:
            what = f"{owner} and {variable} have one secret for two purposes"
            findings.append((Check.SHARED_SECRETS, what))
        refuse(self._settings, findings)
        return text


def _password_in(text: str) -> str:
    """Return the password of a secret in RDS's JSON form; of another one its whole text."""
    try:
        password = json.loads(text)["password"]
    except (ValueError, KeyError, TypeError):
        return text
    return password if isinstance(password, str) else text
