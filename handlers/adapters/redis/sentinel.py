"""Redis behind sentinels, which know the primary: each new connection asks them for its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool, SSLConnection
from redis.retry import Retry
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

if TYPE_CHECKING:
    from handlers.redis_url import RedisUrl

# What is for the primary alone.
NOT_FOR_SENTINELS = {"host", "port", "db", "username", "password", "credential_provider"}


def sentinel_pool(url: RedisUrl, options: dict[str, Any], retry: Retry) -> SentinelConnectionPool:
    """Return a pool of connections to the primary of `url.service`, whichever server that is.

    options: of a connection to the primary. The sentinels are connected to in the same way, but
    with their own user and password.
    """
    common = {name: value for name, value in options.items() if name not in NOT_FOR_SENTINELS}
    login = {"username": url.sentinel_user, "password": url.sentinel_password}
    common |= {name: value for name, value in login.items() if value}
    sentinel = Sentinel([])
    # The next sentinel is asked instead of the same one again.
    sentinel.sentinels = [
        Redis.from_pool(ConnectionPool(host=host, port=port, retry=Retry(NoBackoff(), 0), **common))
        for host, port in url.servers
    ]
    own = {name: value for name, value in options.items() if name not in {"host", "port"}}
    own["connection_class"] = _asking(own["connection_class"])
    return SentinelConnectionPool(url.service, sentinel, retry=retry, **own)


def _asking(kind: type) -> type:
    """Return the same kind of connection, but one that asks for the address of its server."""
    is_tls = issubclass(kind, SSLConnection)
    base = SentinelManagedSSLConnection if is_tls else SentinelManagedConnection
    return type(f"Sentinel{kind.__name__}", (kind, base), {})
