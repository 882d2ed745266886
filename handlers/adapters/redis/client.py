"""Connections to Redis: addresses, passwords, timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hiredis
from redis import Connection, Redis, RedisCluster, SSLConnection
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool, UnixDomainSocketConnection, parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from handlers.adapters.aws.secrets import redis_credentials
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from handlers.adapters.aws.secrets import Secret
    from handlers.config import Settings

# A command takes well under a millisecond.
SOCKET_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 1.0
# A stale connection (a frozen Lambda, an idle timeout) is replaced and the command sent once more.
# Every script may be repeated: a second admission of the same user returns the same serial.
RETRIES = 1


class _Credentials(CredentialProvider):
    """Gives every new connection the current password."""

    def __init__(self, secret: Secret) -> None:
        self.renew = secret.renew
        self._secret = secret

    def get_credentials(self) -> Any:
        return redis_credentials(self._secret)


WRITE_BYTES_MIN = 16 * 1024  # as much as the server reads at once

# For the type checker the mixin is a connection; at run time it is mixed into each kind of one.
if TYPE_CHECKING:
    _Base = Connection
else:
    _Base = object


class _BatchConnection(_Base):
    """Renews a rotated password, and sends several commands at once."""

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        try:
            super().on_connect_check_health(check_health)
        except AuthenticationError:
            provider = self.credential_provider
            if not isinstance(provider, _Credentials) or not provider.renew():
                raise
            super().on_connect_check_health(check_health)  # the password was rotated

    def send_all(self, commands: Sequence[tuple[Any, ...]]) -> None:
        """Send several commands in few writes; the server starts on the first ones meanwhile."""
        # redis-py's own packing does the same, but inspects each argument.
        self.send_packed_command(_writes(map(hiredis.pack_command, commands)))


def _writes(commands: Iterable[bytes]) -> Iterator[bytes]:
    """Join small commands: each write is a system call."""
    joined = bytearray()
    for command in commands:
        joined += command
        if len(joined) >= WRITE_BYTES_MIN:
            yield bytes(joined)
            joined.clear()
    yield bytes(joined)


class BatchConnection(_BatchConnection, Connection):
    """Over TCP."""


class BatchSSLConnection(_BatchConnection, SSLConnection):
    """Over TLS."""


class BatchUnixConnection(_BatchConnection, UnixDomainSocketConnection):
    """Over a socket in the file system."""


def connect(settings: Settings, auth: Secret | None = None) -> Redis | RedisCluster:
    """Return a client for REDIS_URL. A cluster client reads the list of nodes at once.

    auth: the secret with the password, in place of one in the URL. With rediss:// the server's
    certificate and name are checked against the system's CAs, or ?ssl_ca_certs=FILE.
    """
    address = parse_url(settings.redis_url)
    if auth:
        address = {k: v for k, v in address.items() if k not in {"username", "password"}}
        address["credential_provider"] = _Credentials(auth)
    kind = {
        SSLConnection: BatchSSLConnection,
        UnixDomainSocketConnection: BatchUnixConnection,
    }.get(address.pop("connection_class", Connection), BatchConnection)
    options: dict[str, Any] = {
        "connection_class": kind,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "protocol": 2,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **address,
    }
    retry = Retry(NoBackoff(), RETRIES)
    if settings.redis_cluster:
        # RedisCluster takes only connection options from a URL, and these are complete.
        options.pop("db", None)  # a cluster has only database 0
        return RedisCluster(url="redis://", retry=retry, **options)
    return ThreadLocalRedis(connection_pool=ConnectionPool(retry=retry, **options))


def client_of_key(client: Redis | RedisCluster, key: str) -> Redis:
    """Return a client of the server that owns `key`."""
    if isinstance(client, RedisCluster):
        return client.get_redis_connection(client.get_node_from_key(key))
    return client
