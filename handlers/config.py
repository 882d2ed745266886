"""The settings: one frozen object, read once from the environment, refused when malformed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# RFC 7518, section 3.2: an HS256 key has at least as many bits as the hash. The coupon code's
# HMAC-SHA256 key is held to the same.
SECRET_BYTES_MIN = 32
# Secrets that begin so are printed in this repository's examples, hence known to everybody.
DEVELOPMENT_SECRET_PREFIX = "development-only-"  # noqa: S105 - refused outside of STAGE=local
# AWS's own name: it tells its Lambda extension where to listen, and us where to ask.
EXTENSION_PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
PORTS = range(1, 65_536)
PORT_DIGITS_MAX = 5
MYSQL_PORT_DEFAULT = 3306


class ConfigurationError(Exception):
    """A setting is missing or malformed; the message names the variable, never a secret's value."""


def checked_secret(name: str, value: str, stage: str) -> str:
    """Return a secret that is fit for HMAC-SHA256; raise ConfigurationError naming `name`."""
    if len(value.encode()) < SECRET_BYTES_MIN:
        message = f"{name} is shorter than {SECRET_BYTES_MIN} bytes"
        raise ConfigurationError(message)
    if stage != "local" and value.startswith(DEVELOPMENT_SECRET_PREFIX):
        message = f"{name} is a development secret, which STAGE={stage} refuses"
        raise ConfigurationError(message)
    return value


class KafkaSecurity(StrEnum):
    """How the connection to Kafka is protected (`KAFKA_SECURITY`)."""

    PLAINTEXT = "PLAINTEXT"
    SASL_SSL_IAM = "SASL_SSL_IAM"
    SASL_SSL_SCRAM = "SASL_SSL_SCRAM"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where MySQL is: the parts of `mysql://user:password@host:port/database`."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def from_url(cls, url: str, variable: str = "DATABASE_URL") -> DatabaseAddress:
        """Parse `url`; raise ConfigurationError naming `variable`, without the password."""
        shape = f"{variable} must look like mysql://user:password@host:3306/database"
        try:
            parts = urlsplit(url)
            port = parts.port or MYSQL_PORT_DEFAULT
        except ValueError:
            # Without the cause: it quotes a part of the url, which may be one of the password.
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
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service. Secrets stay out of `repr`."""

    stage: str
    redis_url: str = field(repr=False)
    redis_auth_secret_id: str
    redis_cluster: bool
    redis_epoch: bool
    kafka_bootstrap_servers: tuple[str, ...]
    kafka_security: KafkaSecurity
    kafka_username: str
    kafka_password: str = field(repr=False)
    kafka_ack_timeout_ms: int
    coupon_topic: str
    consumer_group: str
    database_address: DatabaseAddress | None
    database_secret_id: str
    auth_jwt_secret: str = field(repr=False)
    auth_jwt_secret_id: str
    auth_jwks_url: str
    coupon_code_secret: str = field(repr=False)
    coupon_code_secret_id: str
    secrets_extension_port: int  # 0: there is none, boto3 asks Secrets Manager itself
    aws_region: str
    pending_resend_after_s: int
    redrive_max_attempts: int
    apply_rate_per_s: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check every variable; raise ConfigurationError naming the first bad one."""
        read = _Reader(environment)
        stage = read.text("STAGE")
        database_url, database_secret_id = read.exactly_one("DATABASE_URL", "DATABASE_SECRET_ID")
        jwt_secret, jwt_secret_id, jwks_url = read.exactly_one(
            "AUTH_JWT_SECRET", "AUTH_JWT_SECRET_ID", "AUTH_JWKS_URL"
        )
        # Over plain HTTP whoever sits in between could put in keys of his own.
        jwks_schemes = ("https", "http") if stage == "local" else ("https",)
        code_secret, code_secret_id = read.exactly_one(
            "COUPON_CODE_SECRET", "COUPON_CODE_SECRET_ID"
        )
        kafka_security = read.kafka_security("KAFKA_SECURITY")
        scram = kafka_security is KafkaSecurity.SASL_SSL_SCRAM
        iam = kafka_security is KafkaSecurity.SASL_SSL_IAM
        return cls(
            stage=stage,
            redis_url=read.url("REDIS_URL", ("redis", "rediss", "unix")),
            redis_auth_secret_id=read.text("REDIS_AUTH_SECRET_ID", ""),
            redis_cluster=read.switch("REDIS_CLUSTER", default=False),
            redis_epoch=read.switch("REDIS_EPOCH", default=True),
            kafka_bootstrap_servers=read.servers("KAFKA_BOOTSTRAP_SERVERS"),
            kafka_security=kafka_security,
            kafka_username=read.text("KAFKA_USERNAME") if scram else "",
            kafka_password=read.text("KAFKA_PASSWORD") if scram else "",
            kafka_ack_timeout_ms=read.number("KAFKA_ACK_TIMEOUT_MS", 2000, 100, 20_000),
            coupon_topic=read.text("COUPON_TOPIC", "coupon_create"),
            consumer_group=read.text("CONSUMER_GROUP", "group_1"),
            database_address=DatabaseAddress.from_url(database_url) if database_url else None,
            database_secret_id=database_secret_id,
            auth_jwt_secret=read.secret("AUTH_JWT_SECRET", stage) if jwt_secret else "",
            auth_jwt_secret_id=jwt_secret_id,
            auth_jwks_url=read.url("AUTH_JWKS_URL", jwks_schemes) if jwks_url else "",
            coupon_code_secret=read.secret("COUPON_CODE_SECRET", stage) if code_secret else "",
            coupon_code_secret_id=code_secret_id,
            secrets_extension_port=read.number(EXTENSION_PORT, 0, 0, PORTS.stop - 1),
            aws_region=read.text("AWS_REGION") if iam else "",
            pending_resend_after_s=read.number("PENDING_RESEND_AFTER_S", 30, 1, 3600),
            redrive_max_attempts=read.number("REDRIVE_MAX_ATTEMPTS", 8, 1, 1000),
            apply_rate_per_s=read.number("APPLY_RATE_PER_S", 100, 1, 1_000_000),
        )


class _Reader:
    """Reads single variables, with the name of the variable in every complaint."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environment.get(name, "").strip()
        if value:
            return value
        if default is None:
            message = f"{name} is not set"
            raise ConfigurationError(message)
        return default

    def exactly_one(self, *names: str) -> list[str]:
        values = [self.text(name, "") for name in names]
        found = [name for name, value in zip(names, values, strict=True) if value]
        if len(found) != 1:
            state = f"{' and '.join(found)} are" if found else "none is"
            message = f"set exactly one of {', '.join(names)}: {state} set"
            raise ConfigurationError(message)
        return values

    def secret(self, name: str, stage: str) -> str:
        return checked_secret(name, self.text(name), stage)

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name)
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            expected = " or ".join(f"{scheme}://" for scheme in schemes)
            message = f"{name} must begin with {expected}"
            raise ConfigurationError(message)
        try:
            _ = urlsplit(value).port
        except ValueError:
            message = f"{name} has a malformed port; a password's / ? # [ ] @ must be escaped"
            raise ConfigurationError(message) from None  # the cause quotes a part of the url
        return value

    def servers(self, name: str) -> tuple[str, ...]:
        servers = tuple(part.strip() for part in self.text(name).split(",") if part.strip())
        for server in servers or ("",):
            host, _, port = server.rpartition(":")
            # A bound on the length first: int() refuses thousands of digits in its own way.
            is_port = port.isdecimal() and len(port) <= PORT_DIGITS_MAX and int(port) in PORTS
            if not host or not is_port:
                message = f"{name} must be host:port[,host:port…], not {server!r}"
                raise ConfigurationError(message)
        return servers

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(name, str(default))
        is_short = value.isdecimal() and len(value) <= len(str(highest))
        if not is_short or not lowest <= int(value) <= highest:
            message = f"{name} must be a whole number from {lowest} to {highest}, not {value!r}"
            raise ConfigurationError(message)
        return int(value)

    def switch(self, name: str, *, default: bool) -> bool:
        words = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
        value = self.text(name, "on" if default else "off").lower()
        if value not in words:
            message = f"{name} must be on or off, not {value!r}"
            raise ConfigurationError(message)
        return words[value]

    def kafka_security(self, name: str) -> KafkaSecurity:
        value = self.text(name, KafkaSecurity.PLAINTEXT)
        try:
            return KafkaSecurity(value)
        except ValueError as error:
            message = f"{name} must be one of {', '.join(KafkaSecurity)}, not {value!r}"
            raise ConfigurationError(message) from error
