"""Writes the mark that Redis has forgotten nothing: only while there is nothing to forget."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pymysql
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis-py's own
    RedisClusterException,
    RedisError,
    TimeoutError,  # noqa: A004 - the same
)

from handlers.adapters.migration import schema
from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import EPOCH
from handlers.retry import RetryDeadline, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.adapters.aws.secrets import Secret
    from handlers.config import DatabaseAddress, Settings

# Stands for the run_id of a service that hides it (REDIS_EPOCH=off): there, only presence counts.
HIDDEN = "hidden"
REDIS_PORT = 6379


class EpochState(StrEnum):
    """What `ensure_epoch` found; the text is the line that a person reads."""

    SET = "set: campaigns can be opened"
    KNOWN = "stands: Redis has forgotten nothing"
    LOST = (
        "ABSENT although MySQL has campaigns: Redis has lost its state. "
        "apply answers 503 until it is rebuilt"
    )
    RESTARTED = (
        "of an earlier run although MySQL has campaigns: Redis restarted and may have forgotten "
        "winners. apply answers 503 until it is rebuilt"
    )


def ensure_epoch(
    settings: Settings,
    address: DatabaseAddress,
    patience: RetryDeadline,
    auth: Secret | None = None,
) -> EpochState:
    """Set `coupon:epoch` to the server's run_id while MySQL has no campaign; else only look.

    A campaign stands in MySQL before it stands in Redis. So where MySQL has none, Redis cannot
    have lost one, and the mark may be set, also over one that an earlier run left. Where MySQL
    has some, only a rebuild or the operator's word may set it.
    """
    # The run_id first: when Redis restarts from here on, the mark is an old one, and so refused.
    run_id, found = _read(settings, patience, auth)
    if found == run_id or (found and not settings.redis_epoch):
        return EpochState.KNOWN
    if _has_campaigns(address, patience):
        return EpochState.RESTARTED if found else EpochState.LOST
    _write(settings, run_id, patience, auth)
    return EpochState.SET


def _read(settings: Settings, patience: RetryDeadline, auth: Secret | None) -> tuple[str, str]:
    """Return the run_id of the server that owns the key, and what the key holds ("" if absent)."""

    def ask() -> tuple[str, str]:
        with closing(connect(settings, auth)) as client:
            owner = client_of_key(client, EPOCH)
            run_id = owner.info("server").get("run_id", "") if settings.redis_epoch else HIDDEN
            if not run_id:
                message = "Redis hides its run_id; REDIS_EPOCH=off works without it"
                raise SetupError(message)
            found: Any = owner.get(EPOCH)  # bytes, whatever the type says: nothing decodes them
            return str(run_id), (found or b"").decode()

    return _asked(settings, ask, patience)


def _write(settings: Settings, run_id: str, patience: RetryDeadline, auth: Secret | None) -> None:
    def ask() -> tuple[str, str]:
        with closing(connect(settings, auth)) as client:
            client_of_key(client, EPOCH).set(EPOCH, run_id)
        return run_id, run_id

    _asked(settings, ask, patience)


def _asked(
    settings: Settings, ask: Callable[[], tuple[str, str]], patience: RetryDeadline
) -> tuple[str, str]:
    where = urlsplit(settings.redis_url)  # without its user and password
    server = f"Redis at {where.hostname or where.path}:{where.port or REDIS_PORT}"
    try:
        return patience.retry_until_ready(server, ask, _is_passing)
    except (RedisError, RedisClusterException) as error:
        message = f"{server} refused: {error}"
        raise SetupError(message) from error


def _is_passing(error: Exception) -> bool:
    """Tell whether an error of Redis may go away by itself: not there yet, or still loading."""
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    return isinstance(
        error, ConnectionError | TimeoutError | ClusterDownError | RedisClusterException
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
