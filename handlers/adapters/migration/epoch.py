"""Sets the epoch, which marks that Redis has lost nothing; only while there is nothing to lose."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pymysql
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis-py's own
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TimeoutError,  # noqa: A004 - the same
)

from handlers.adapters.migration import schema
from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import epoch_key
from handlers.retry import RetryDeadline, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from handlers.adapters.aws.secrets import Secret
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress

# The value where a service hides its replication id (REDIS_EPOCH=off): only its presence counts.
HIDDEN = "hidden"


class EpochState(StrEnum):
    """What `ensure_epoch` found; the text is the line that the operator reads."""

    SET = "set: campaigns can be opened"
    KNOWN = "stands: Redis has forgotten nothing"
    LOST = (
        "ABSENT although MySQL has campaigns: Redis has lost its state. "
        "apply answers 503 until it is rebuilt"
    )
    RESTARTED = (
        "of another history although MySQL has campaigns: Redis restarted or was promoted, and may "
        "have forgotten winners. apply answers 503 until it is rebuilt"
    )


def ensure_epoch(
    settings: Settings,
    address: DatabaseAddress,
    patience: RetryDeadline,
    auth: Secret | None = None,
) -> EpochState:
    """Set `coupon:epoch` to the server's history while MySQL has no campaign; else only read it.

    A campaign is written to MySQL before Redis. So where MySQL has none, Redis cannot have lost
    one, and the epoch may be set, even over that of another history. Where MySQL has some,
    only a rebuild or the operator may set it.
    """
    # The history first: if Redis restarts from here on, the epoch is an old one, which is refused.
    history, found = _read(settings, patience, auth)
    if found == history or (found and not settings.redis_epoch):
        return EpochState.KNOWN
    if _has_campaigns(address, patience):
        return EpochState.RESTARTED if found else EpochState.LOST
    _write(settings, history, patience, auth)
    return EpochState.SET


def _read(settings: Settings, patience: RetryDeadline, auth: Secret | None) -> tuple[str, str]:
    """Return the replication id of the key's server, and what the key holds ("" if absent)."""

    def ask() -> tuple[str, str]:
        with closing(connect(settings, auth)) as client:
            key = epoch_key(is_cluster=settings.redis_cluster)
            owner = client_of_key(client, key)
            history = _history(owner) if settings.redis_epoch else HIDDEN
            found: Any = owner.get(key)  # bytes, in spite of the type: redis-py decodes nothing
            return history, (found or b"").decode()

    return _with_retry(settings, ask, patience)


def _history(server: Redis) -> str:
    replication = server.info("replication")
    if replication.get("role") == "slave":
        message = "it is a replica"
        raise ReadOnlyError(message)
    history = replication.get("master_replid", "")
    if not history:
        message = "Redis hides its replication id; REDIS_EPOCH=off works without it"
        raise SetupError(message)
    return str(history)


def _write(settings: Settings, history: str, patience: RetryDeadline, auth: Secret | None) -> None:
    def ask() -> tuple[str, str]:
        with closing(connect(settings, auth)) as client:
            client.set(epoch_key(is_cluster=settings.redis_cluster), history)
        return history, history

    _with_retry(settings, ask, patience)


def _with_retry(
    settings: Settings, ask: Callable[[], tuple[str, str]], patience: RetryDeadline
) -> tuple[str, str]:
    server = f"Redis at {settings.redis.where}"
    try:
        return patience.retry_until_ready(server, ask, _is_transient)
    except (RedisError, RedisClusterException) as error:
        message = f"{server} refused: {error}"
        raise SetupError(message) from error


def _is_transient(error: Exception) -> bool:
    """Return whether an error of Redis may be temporary: not up yet, loading, or not promoted."""
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    return isinstance(
        error,
        ConnectionError | TimeoutError | ClusterDownError | RedisClusterException | ReadOnlyError,
    )


def _has_campaigns(address: DatabaseAddress, patience: RetryDeadline) -> bool:
    server = f"MySQL at {address.host}:{address.port}"
    try:
        connection = patience.retry_until_ready(
            server, lambda: schema.connect(address), schema.is_transient
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM campaign)")
            return bool(cursor.fetchone() == (1,))
    except pymysql.Error as error:
        message = f"{server} did not tell whether it has campaigns: {error}"
        raise SetupError(message) from error
