"""The settings: one frozen object, read once from the environment, rejected when malformed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from handlers.database_address import MYSQL_PORT_DEFAULT, DatabaseAddress, DatabaseTls
from handlers.env_parser import PORTS, ConfigurationError, EnvParser
from handlers.origin_secret import origin_secrets
from handlers.page_settings import PageSettings
from handlers.production import Check, refuse_insecure
from handlers.redis_url import RedisUrl
from handlers.token_rules import TokenRules

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ConfigurationError"]  # re-exported for the readers of the settings

# AWS's own name: the port on which its Lambda extension listens.
EXTENSION_PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
# The user that owns the tables, for the migration alone.
MIGRATION_DATABASE = ("MIGRATION_DATABASE_URL", "MIGRATION_DATABASE_SECRET_ID")
# An impatient user taps six or seven times a second, and must not be limited for that.
RATE_DEFAULT = 10
# Thousands of a mobile carrier's customers share one address; a tenth of 5,000 may apply at once.
RATE_PER_ADDRESS_DEFAULT = 500
RATE_MAX = 1_000_000
RETENTION_DAYS_MAX = 36_500


class KafkaSecurity(StrEnum):
    """How the connection to Kafka is protected (`KAFKA_SECURITY`)."""

    PLAINTEXT = "PLAINTEXT"
    SASL_SSL_IAM = "SASL_SSL_IAM"
    SASL_SSL_SCRAM = "SASL_SSL_SCRAM"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the service. Secrets stay out of `repr`."""

    stage: str
    insecure_allowed: frozenset[Check]  # what else a stage that is not local would refuse
    redis_url: str = field(repr=False)
    redis_auth_secret_id: str
    redis_cluster: bool
    redis_epoch: bool
    redis_confirming_replicas: int  # 0: the primary alone confirms an admission
    kafka_bootstrap_servers: tuple[str, ...]
    kafka_security: KafkaSecurity
    kafka_username: str
    kafka_password: str = field(repr=False)
    kafka_ack_timeout_ms: int
    coupon_topic: str
    consumer_group: str
    database_address: DatabaseAddress | None
    database_secret_id: str
    migration_database_address: DatabaseAddress | None  # neither: the service's user migrates
    migration_database_secret_id: str
    database_host: str  # host, port and name: used where the secret does not contain them
    database_port: int
    database_name: str
    database_tls: DatabaseTls
    auth_jwt_secret: str = field(repr=False)
    auth_jwt_secret_id: str
    auth_jwks_url: str
    token_rules: TokenRules
    coupon_code_secret: str = field(repr=False)
    coupon_code_secret_id: str
    challenge_secret: str = field(repr=False)
    challenge_secret_id: str
    webhook_secret: str = field(repr=False)
    webhook_secret_id: str
    webhook_internal: bool  # webhooks may be inside our own network, and without TLS
    origin_secrets: tuple[str, ...] = field(repr=False)  # of CloudFront; none: it is not there
    secrets_extension_port: int  # 0: no extension; boto3 reads from Secrets Manager
    aws_region: str
    pending_resend_after_s: int
    redrive_max_attempts: int
    apply_rate_per_s: int  # 0 for no limit, as for the next one
    apply_rate_per_address_per_s: int
    retention_days: int  # 0: users are erased only when that is asked for
    pages: PageSettings
    embedded_metrics: bool  # whether Lambda functions write metrics into their log

    @property
    def has_challenge_secret(self) -> bool:
        """Whether a campaign may ask its applicants for a challenge."""
        return bool(self.challenge_secret or self.challenge_secret_id)

    @property
    def has_webhook_secret(self) -> bool:
        """Whether an administrator may create webhooks."""
        return bool(self.webhook_secret or self.webhook_secret_id)

    def required_challenge_secret(self) -> str:
        """Return `CHALLENGE_SECRET`; raise ConfigurationError where it is not set."""
        if not self.challenge_secret:
            message = "a campaign asks for a challenge: set CHALLENGE_SECRET or CHALLENGE_SECRET_ID"
            raise ConfigurationError(message)
        return self.challenge_secret

    @property
    def redis(self) -> RedisUrl:
        """The parts of `REDIS_URL`."""
        return RedisUrl.parse(self.redis_url, is_cluster=self.redis_cluster)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check every variable; raise ConfigurationError.

        It names the first one that is malformed, or else all that is insecure.
        """
        read = EnvParser(environment)
        stage = read.text("STAGE")
        redis_url, is_cluster = read.text("REDIS_URL"), read.boolean("REDIS_CLUSTER", default=False)
        RedisUrl.parse(redis_url, is_cluster=is_cluster)
        database_url, database_secret_id = read.exactly_one("DATABASE_URL", "DATABASE_SECRET_ID")
        jwt_secret, jwt_secret_id, jwks_url = read.exactly_one(
            "AUTH_JWT_SECRET", "AUTH_JWT_SECRET_ID", "AUTH_JWKS_URL"
        )
        # Over plain HTTP an attacker on the network path could insert own keys.
        jwks_schemes = ("https", "http") if stage == "local" else ("https",)
        code_secret, code_secret_id = read.exactly_one(
            "COUPON_CODE_SECRET", "COUPON_CODE_SECRET_ID"
        )
        challenge_secret, challenge_secret_id = read.at_most_one(
            "CHALLENGE_SECRET", "CHALLENGE_SECRET_ID"
        )
        webhook_secret, webhook_secret_id = read.at_most_one("WEBHOOK_SECRET", "WEBHOOK_SECRET_ID")
        tls = DatabaseTls.from_environment(read)
        owner_url, owner_secret_id = read.at_most_one(*MIGRATION_DATABASE)
        kafka_security = read.one_of(KafkaSecurity, "KAFKA_SECURITY", KafkaSecurity.PLAINTEXT)
        scram = kafka_security is KafkaSecurity.SASL_SSL_SCRAM
        iam = kafka_security is KafkaSecurity.SASL_SSL_IAM
        settings = cls(
            stage=stage,
            insecure_allowed=read.words(Check, "INSECURE_ALLOWED"),
            redis_url=redis_url,
            redis_auth_secret_id=read.text("REDIS_AUTH_SECRET_ID", ""),
            redis_cluster=is_cluster,
            redis_epoch=read.boolean("REDIS_EPOCH", default=True),
            redis_confirming_replicas=read.number("REDIS_CONFIRMING_REPLICAS", 0, 0, 9),
            kafka_bootstrap_servers=read.servers("KAFKA_BOOTSTRAP_SERVERS"),
            kafka_security=kafka_security,
            kafka_username=read.text("KAFKA_USERNAME") if scram else "",
            kafka_password=read.text("KAFKA_PASSWORD") if scram else "",
            kafka_ack_timeout_ms=read.number("KAFKA_ACK_TIMEOUT_MS", 2000, 100, 20_000),
            coupon_topic=read.text("COUPON_TOPIC", "coupon_create"),
            consumer_group=read.text("CONSUMER_GROUP", "group_1"),
            database_address=DatabaseAddress.from_url(database_url, tls) if database_url else None,
            database_secret_id=database_secret_id,
            migration_database_address=(
                DatabaseAddress.from_url(owner_url, tls, MIGRATION_DATABASE[0])
                if owner_url
                else None
            ),
            migration_database_secret_id=owner_secret_id,
            database_host=read.text("DATABASE_HOST", ""),
            database_port=read.number("DATABASE_PORT", MYSQL_PORT_DEFAULT, 1, PORTS.stop - 1),
            database_name=read.text("DATABASE_NAME", "seonchak"),
            database_tls=tls,
            auth_jwt_secret=read.secret("AUTH_JWT_SECRET") if jwt_secret else "",
            auth_jwt_secret_id=jwt_secret_id,
            auth_jwks_url=read.url("AUTH_JWKS_URL", jwks_schemes) if jwks_url else "",
            token_rules=TokenRules.from_environment(
                read, needs_issuer=bool(jwks_url) and stage != "local"
            ),
            coupon_code_secret=read.secret("COUPON_CODE_SECRET") if code_secret else "",
            coupon_code_secret_id=code_secret_id,
            challenge_secret=read.secret("CHALLENGE_SECRET") if challenge_secret else "",
            challenge_secret_id=challenge_secret_id,
            webhook_secret=read.secret("WEBHOOK_SECRET") if webhook_secret else "",
            webhook_secret_id=webhook_secret_id,
            webhook_internal=read.boolean("WEBHOOK_INTERNAL", default=False),
            origin_secrets=origin_secrets(environment),
            secrets_extension_port=read.number(EXTENSION_PORT, 0, 0, PORTS.stop - 1),
            aws_region=read.text("AWS_REGION") if iam else "",
            pending_resend_after_s=read.number("PENDING_RESEND_AFTER_S", 30, 1, 3600),
            redrive_max_attempts=read.number("REDRIVE_MAX_ATTEMPTS", 8, 1, 1000),
            apply_rate_per_s=read.number("APPLY_RATE_PER_S", RATE_DEFAULT, 0, RATE_MAX),
            apply_rate_per_address_per_s=read.number(
                "APPLY_RATE_PER_ADDRESS_PER_S", RATE_PER_ADDRESS_DEFAULT, 0, RATE_MAX
            ),
            retention_days=read.number("RETENTION_DAYS", 0, 0, RETENTION_DAYS_MAX),
            pages=PageSettings.from_environment(read, is_local=stage == "local"),
            embedded_metrics=read.boolean("EMBEDDED_METRICS", default=False),
        )
        refuse_insecure(settings)
        return settings
