"""Creates the topic of accepted coupons."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient
from kafka.errors import (
    IncompatibleBrokerVersion,
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
)

from handlers.adapters.kafka.connection import connection_options, require_broker
from handlers.retry import RetryDeadline, SetupError

if TYPE_CHECKING:
    from handlers.config import Settings

# One consumer per partition at most: room for six, spread by user id.
PARTITIONS = 6
# Use the brokers' default; 1 works on every broker that has no default.
REPLICATION_OF_THE_BROKER = -1
REPLICATION_FALLBACK = 1
# Creating is quick; electing leaders on a busy machine may take a moment.
LEADERS_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic after `ensure_topic`."""

    name: str
    partitions: int
    created: bool


def ensure_topic(
    settings: Settings,
    patience: RetryDeadline,
    partitions: int = PARTITIONS,
    replication: int = REPLICATION_OF_THE_BROKER,
) -> Topic:
    """Create COUPON_TOPIC unless it is there; raise SetupError when that fails."""
    server = f"Kafka at {','.join(settings.kafka_bootstrap_servers)}"
    name = settings.coupon_topic
    try:
        admin = patience.retry_until_ready(server, lambda: _connect(settings), _is_transient)
        with closing(admin):
            created = patience.retry_until_ready(
                server, lambda: _create(admin, name, partitions, replication), _is_transient
            )
            wait_ms = int(patience.at_most(LEADERS_TIMEOUT_S) * 1000)
            admin.wait_for_topics([name], timeout_ms=wait_ms)
            count = len(admin.describe_topics([name])[0]["partitions"])
    except KafkaError as error:
        # The error's text contains the whole request and response; its type says enough.
        message = f"{server} refused the topic {name}: {type(error).__name__}"
        raise SetupError(message) from error
    return Topic(name, count, created)


def _is_transient(error: Exception) -> bool:
    """Return whether an error may be temporary."""
    return isinstance(error, OSError) or (isinstance(error, KafkaError) and bool(error.retriable))


def _connect(settings: Settings) -> KafkaAdminClient:
    require_broker(settings)
    return KafkaAdminClient(**connection_options(settings))


def _create(admin: KafkaAdminClient, name: str, partitions: int, replication: int) -> bool:
    """Return False when the topic already exists."""
    try:
        _request(admin, name, partitions, replication)
    except TopicAlreadyExistsError:
        return False
    except (InvalidReplicationFactorError, IncompatibleBrokerVersion):
        if replication != REPLICATION_OF_THE_BROKER:
            raise
        return _create(admin, name, partitions, REPLICATION_FALLBACK)
    return True


def _request(admin: KafkaAdminClient, name: str, partitions: int, replication: int) -> None:
    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": replication}})
