"""A Valkey primary with replicas, and sentinels that replace a primary by a replica."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local.servers.ports import HOST
from local.servers.process import Server, ServerError
from local.servers.scoped import Scoped
from local.servers.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REPLY_TIMEOUT_S = 2.0
# Meeting and the first synchronization take a second or two.
FORM_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.02
# A sentinel replaces a primary that is silent for so long.
DOWN_AFTER_MS = 500
FAILOVER_TIMEOUT_MS = 3000
# How often a sentinel makes itself known: while they meet, and as they come.
MEETING_MS, PUBLISH_MS = 100, 2000


class ValkeyGroup(Scoped):
    """As a context manager it runs inside the block. Servers are killed and frozen singly.

    servers: all of them; `primary` is the one that was promoted last.
    """

    def __init__(self, replicas: int = 1, options: Mapping[str, str] | None = None) -> None:
        """`options` are added to the configuration of all servers."""
        common = {"repl-diskless-sync-delay": "0", **(options or {})}
        self.servers = [Valkey(options=common) for _ in range(1 + replicas)]
        self.primary = self.servers[0]

    @property
    def replicas(self) -> list[Valkey]:
        """All servers but the primary."""
        return [server for server in self.servers if server is not self.primary]

    def start(self) -> None:
        """Start, and return when every replica has caught up."""
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait_until_ready()
        for replica in self.replicas:
            ask(replica, "REPLICAOF", HOST, self.primary.port)
        for replica in self.replicas:  # each tries once a second, so all at once
            self.follow(replica)

    def follow(self, replica: Valkey) -> None:
        """Let a server that runs follow the primary; return when it has caught up."""
        ask(replica, "REPLICAOF", HOST, self.primary.port)
        await_condition(lambda: is_synchronized(replica), "that the replica catches up")

    def promote(self, replica: Valkey, *, demote: bool = True) -> None:
        """Make a replica the primary; where `demote`, the old one follows it if it responds."""
        before, self.primary = self.primary, replica
        ask(replica, "REPLICAOF", "NO", "ONE")
        if demote and before.running:
            ask(before, "REPLICAOF", HOST, replica.port)

    def remove(self) -> None:
        """End all servers and remove their data."""
        for server in self.servers:
            server.remove()


class ValkeySentinel(Valkey):
    """One sentinel; it watches a primary under the name `service`."""

    name: str = "Valkey Sentinel"

    def __init__(
        self,
        service: str,
        primary: Valkey,
        quorum: int,
        password: str = "",
        server_password: str = "",
    ) -> None:
        """`quorum` sentinels must agree; `password` is asked of the sentinel's own clients."""
        super().__init__()
        self.service = service
        self._primary = primary
        self._quorum = quorum
        self._password = password
        self._server_password = server_password

    def prepare(self) -> None:
        """Write the configuration, which the sentinel itself changes later."""
        service = self.service
        lines = [
            f"bind {HOST}",
            f"port {self.port}",
            f"dir {self.home}",
            f"sentinel monitor {service} {HOST} {self._primary.port} {self._quorum}",
            f"sentinel down-after-milliseconds {service} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {service} {FAILOVER_TIMEOUT_MS}",
        ]
        if self._password:
            lines.append(f"requirepass {self._password}")
        if self._server_password:
            lines.append(f"sentinel auth-pass {service} {self._server_password}")
        (self.home / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str]:
        """Return the command line."""
        [binary, *_] = super().command()
        return [binary, str(self.home / "sentinel.conf"), "--sentinel"]

    def is_ready(self) -> bool:
        """Whether it replies, if only that a password is missing."""
        try:
            return bool(ask(self, "PING"))
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False


def await_sentinels(sentinels: Sequence[ValkeySentinel]) -> None:
    """Return when each knows all others and the primary's replicas, so that it can fail over."""
    for sentinel in sentinels:
        ask(sentinel, "SENTINEL", "DEBUG", "PUBLISH-PERIOD", MEETING_MS)

    def know_all() -> bool:
        for sentinel in sentinels:
            words = ask(sentinel, "SENTINEL", "MASTER", sentinel.service)
            state = dict(zip(words[::2], words[1::2], strict=True))
            others = int(state[b"num-other-sentinels"])
            if others < len(sentinels) - 1 or not int(state[b"num-slaves"]):
                return False
        return True

    await_condition(know_all, "that the sentinels know each other")
    for sentinel in sentinels:
        ask(sentinel, "SENTINEL", "DEBUG", "PUBLISH-PERIOD", PUBLISH_MS)


def ask(server: Server, *command: object, timeout_s: float = REPLY_TIMEOUT_S) -> Any:
    """Return a server's reply as it is; raise redis-py's errors."""
    with closing(
        redis.Redis(
            host=HOST,
            port=server.port,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    ) as client:
        connection: Any = client.connection_pool.get_connection()
        connection.send_command(*command)
        return connection.read_response()


def is_synchronized(replica: Server) -> bool:
    """Return whether it has the primary's data, and what is written now."""
    return "master_link_status:up" in ask(replica, "INFO", "replication").decode()


def await_condition(condition: Callable[[], bool], what: str) -> None:
    """Return when `condition` holds; raise ServerError naming `what` if it never does."""
    deadline = time.monotonic() + FORM_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            message = f"waited {FORM_TIMEOUT_S:.0f} s in vain {what}"
            raise ServerError(message)
        time.sleep(POLL_INTERVAL_S)
