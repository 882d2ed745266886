"""Connections to Redis: addresses, passwords, timeouts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hiredis
from redis import Connection, Redis, RedisCluster, SSLConnection
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import ConnectionPool, UnixDomainSocketConnection, parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from handlers.adapters import tls
from handlers.adapters.aws.secrets import redis_credentials
from handlers.adapters.redis.cluster_client import ThreadLocalCluster
from handlers.adapters.redis.sentinel import sentinel_pool
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis

if TYPE_CHECKING:
    import socket
    import ssl
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


# What the shared TLS context knows of redis-py's options.
SHARED_TLS_OPTIONS = {"ssl_ca_certs"}
CA_FILE = "REDIS_URL's ssl_ca_certs"

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
        if not self._sock:
            self.connect()  # only this asks sentinels for the address
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
    """Over TLS as redis-py makes it: for a URL with options such as a client certificate."""

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        """Authenticate, and read what the server sends of itself."""
        super().on_connect_check_health(check_health)
        # With TLS 1.3 a server sends session tickets after the handshake, and redis-py's pool
        # refuses a connection with unread bytes. Reading any reply reads them, too.
        self.send_command("PING", check_health=False)
        with suppress(ResponseError):
            self.read_response()


class BatchSharedSSLConnection(BatchSSLConnection):
    """Over TLS, with the process's shared context: redis-py reads all CAs for each connection."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        context = tls.verifying(self.ca_certs or "", CA_FILE)
        return context.wrap_socket(sock, server_hostname=self.host)


class BatchUnixConnection(_BatchConnection, UnixDomainSocketConnection):
    """Over a socket in the file system."""


def connect(
    settings: Settings, auth: Secret | None = None
) -> ThreadLocalRedis | ThreadLocalCluster:
    """Return a client for REDIS_URL. A cluster client reads the list of nodes at once.

    auth: the secret with the password, in place of one in the URL. With rediss:// the server's
    certificate and name are checked against the system's CAs, or ?ssl_ca_certs=FILE.
    """
    url = settings.redis
    options = _options(url.url)
    if auth:
        options = {k: v for k, v in options.items() if k not in {"username", "password"}}
        options["credential_provider"] = _Credentials(auth)
    retry = Retry(NoBackoff(), RETRIES)
    if settings.redis_cluster:
        # RedisCluster takes only connection options from a URL, and these are complete.
        options.pop("db", None)  # a cluster has only database 0
        seeds = [ClusterNode(host, port) for host, port in url.servers]
        return ThreadLocalCluster(url="redis://", startup_nodes=seeds, retry=retry, **options)
    if url.service:
        return ThreadLocalRedis(connection_pool=sentinel_pool(url, options, retry))
    return ThreadLocalRedis(connection_pool=ConnectionPool(retry=retry, **options))


def _options(url: str) -> dict[str, Any]:
    """Return redis-py's options of a connection to the server of `url`."""
    address = parse_url(url)
    kind: type = address.pop("connection_class", Connection)
    if kind is UnixDomainSocketConnection:
        own: type = BatchUnixConnection
    elif kind is not SSLConnection:
        own = BatchConnection
    elif {name for name in address if name.startswith("ssl_")} <= SHARED_TLS_OPTIONS:
        own = BatchSharedSSLConnection
        tls.verifying(address.get("ssl_ca_certs") or "", CA_FILE)  # names a bad file at once
    else:
        own = BatchSSLConnection
        address.setdefault("ssl_exclude_verify_flags", [tls.NOT_DEMANDED])
    return {
        "connection_class": own,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "protocol": 2,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **address,
    }


def client_of_key(client: Redis | RedisCluster, key: str) -> Redis:
    """Return a client of the server that owns `key`."""
    if isinstance(client, RedisCluster):
        return client.get_redis_connection(client.get_node_from_key(key))
    return client
