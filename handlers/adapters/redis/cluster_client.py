"""A client for a Redis cluster, in which one node that does not respond holds up no other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from redis import RedisCluster
from redis.cluster import ClusterNode
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from handlers import log
from handlers.adapters.circuit_breaker import CircuitBreaker
from handlers.adapters.redis.own_connection import (
    DIRECT,
    LOST,
    OwnConnections,
    TooFewReplicasError,
    is_doubtful,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from handlers.adapters.redis.own_connection import Command, OwnConnection

# A node that did not respond is left alone for so long by all threads; then one of them tries.
NODE_OPEN_S = 1.0
# A node responds within a millisecond. Longer than a fork or a lost packet takes, and short for
# the people of the other nodes in the same batch.
GRACE_S = 0.2
PROBE_TIMEOUT_S = 0.2
REFRESH_EVERY_S = 0.5
SCRIPT_COMMANDS = ("EVALSHA", "EVAL")


@dataclass(slots=True, eq=False)
class _Share:
    """The commands for one node; an index is where the reply goes, None for an ASKING."""

    node: ClusterNode
    connection: OwnConnection
    indexes: list[int | None] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)


class ThreadLocalCluster(RedisCluster):
    """redis-py's client with its map of the slots, but the service's commands go their own way.

    They are sent to each node in one write, over the thread's own connection. A node that does not
    respond delays the others' replies once; then its commands fail at once until it responds. The
    map is read again in a thread of its own, so that no command waits for it.
    """

    def __init__(self, **options: Any) -> None:
        self._own_connections = OwnConnections()
        self._breakers: dict[str, CircuitBreaker] = {}
        self._refresh_at = 0.0
        self._refresh_lock = Lock()
        # Serve the slots that are covered, also while others are not.
        try:
            super().__init__(require_full_coverage=False, **options)
        except IndexError as error:  # redis-py's, where the nodes have no slots yet
            message = "no node of the cluster has a slot"
            raise RedisClusterException(message) from error
        self._seeds = [(node.host, node.port) for node in self.startup_nodes]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the reply; raise redis-py's errors."""
        if options or args[0] not in DIRECT:
            return super().execute_command(*args, **options)
        [reply] = self.execute_all([args])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def execute_all(self, commands: Sequence[Command], wait: Command | None = None) -> list[Any]:
        """Send commands to their nodes; return their replies, an error where there is none.

        wait: a WAIT behind those of each node; where it counts too few replicas, the node's
        replies are errors, for a while without asking.
        """
        replies: list[Any] = [RedisConnectionError("no node has this slot")] * len(commands)
        shares: dict[str, _Share] = {}
        for index, command in enumerate(commands):
            if node := self._node_of(command):
                self._add(shares, node, index, command)
            else:
                self._refresh_soon()
        self._ask(shares.values(), replies, wait)
        if any(map(_shows_change, replies)):
            self._refresh_soon()
        redirected: dict[str, _Share] = {}
        for index, reply in enumerate(replies):
            if isinstance(reply, AskError):  # a MovedError is one
                node = self._follow(reply)
                if not isinstance(reply, MovedError):
                    self._add(redirected, node, None, ("ASKING",))
                self._add(redirected, node, index, commands[index])
        self._ask(redirected.values(), replies, wait)
        return replies

    def close(self) -> None:
        """Close the connections of all threads; a thread that continues opens a new one."""
        self._own_connections.close()
        super().close()

    def _node_of(self, command: Command) -> ClusterNode | None:
        key = command[3] if command[0] in SCRIPT_COMMANDS else command[1]
        nodes = self.nodes_manager.slots_cache.get(self.keyslot(key))
        return nodes[0] if nodes else None

    def _own(self, node: ClusterNode) -> OwnConnection:
        return self._own_connections.to(node.name, self.get_redis_connection(node).connection_pool)

    def _add(
        self, shares: dict[str, _Share], node: ClusterNode, index: int | None, command: Command
    ) -> None:
        share = shares.get(node.name)
        if share is None:
            share = shares[node.name] = _Share(node, self._own(node))
        share.indexes.append(index)
        share.commands.append(command)

    def _ask(self, shares: Iterable[_Share], replies: list[Any], wait: Command | None) -> None:
        """Ask all nodes at once. Those that fail are tried once more, after all others."""
        sent, late = [], []
        # First those that need no connecting, which may take a while.
        for share in sorted(shares, key=lambda share: not share.connection.raw.is_connected):
            if not self._may_ask(share.node):
                _fill(share, replies, RedisConnectionError("the node did not respond just now"))
                continue
            if wait and not share.connection.replicas.allows():
                _fill(share, replies, TooFewReplicasError())
                continue
            try:
                share.connection.send(share.commands, wait)
                sent.append(share)
            except LOST:
                late.append(share)
        for share in _as_they_reply(sent):
            try:
                _fill(share, replies, share.connection.read(len(share.commands), wait))
                sent.remove(share)
            except LOST:
                pass  # it stays among those that are tried once more
        for share in [*sent, *late]:
            self._ask_again(share, replies, wait)

    def _ask_again(self, share: _Share, replies: list[Any], wait: Command | None) -> None:
        """Ask over a new connection, if the node responds on one at all."""
        share.connection.raw.disconnect()
        try:
            self._probe(share.node)
            _fill(share, replies, share.connection.ask_once(share.commands, wait))
        except RedisError as error:
            self._breaker_of(share.node).failed()
            self._refresh_soon(share.node)
            _fill(share, replies, error)

    def _may_ask(self, node: ClusterNode) -> bool:
        """Return whether the node responds, as far as is known; one caller a second finds out."""
        breaker = self._breaker_of(node)
        if not breaker.is_open:
            return True
        if not breaker.allows():
            return False
        try:
            self._probe(node)
        except RedisError:
            self._refresh_soon(node)
            return False
        breaker.succeeded()
        return True

    def _probe(self, node: ClusterNode) -> None:
        """Raise one of redis-py's errors unless the node responds at once, on a new connection."""
        pool = self.get_redis_connection(node).connection_pool
        timeouts = {"socket_timeout": PROBE_TIMEOUT_S, "socket_connect_timeout": PROBE_TIMEOUT_S}
        connection: Any = pool.connection_class(**{**pool.connection_kwargs, **timeouts})
        try:
            connection.connect()
            connection.send_command("PING")
            connection.read_response()
        finally:
            connection.disconnect()

    def _breaker_of(self, node: ClusterNode) -> CircuitBreaker:
        breaker = self._breakers.get(node.name)
        if breaker is None:
            made = CircuitBreaker(failures_max=1, open_s=NODE_OPEN_S)
            breaker = self._breakers.setdefault(node.name, made)
        return breaker

    def _follow(self, redirection: AskError) -> ClusterNode:
        """Return the node that a slot has moved to, or with ASK is just moving to."""
        manager, where = self.nodes_manager, redirection.node_addr
        if isinstance(redirection, MovedError) and redirection.slot_id in manager.slots_cache:
            manager.move_slot(redirection)
        return manager.get_node(*where) or ClusterNode(*where)

    def _refresh_soon(self, failed: ClusterNode | None = None) -> None:
        """Read the map of the slots again, from `failed` last, in a thread; not all the time."""
        with self._refresh_lock:
            now = time.monotonic()
            if now < self._refresh_at:
                return
            self._refresh_at = now + REFRESH_EVERY_S
        name = failed.name if failed else None
        Thread(target=self._refresh, args=(name,), name="redis-slots", daemon=True).start()

    def _refresh(self, failed: str | None) -> None:
        try:
            self.nodes_manager.initialize(
                additional_startup_nodes_info=self._seeds, last_failed_node_name=failed
            )
        except (RedisError, RedisClusterException, IndexError) as error:
            log.warning("no node of the Redis cluster responds", {"cause": type(error).__name__})


def _as_they_reply(shares: Sequence[_Share]) -> Iterator[_Share]:
    """Yield each whose first reply has come; once one has, the others have GRACE_S more."""
    if len(shares) <= 1:  # only its own callers wait for its replies
        yield from list(shares)
        return
    with DefaultSelector() as selector:
        for share in shares:
            selector.register(share.connection, EVENT_READ, share)
        deadline = time.monotonic() + shares[0].connection.raw.socket_timeout
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                return
            for key, _ in ready:
                selector.unregister(key.fileobj)
                yield key.data
            deadline = min(deadline, time.monotonic() + GRACE_S)


def _fill(share: _Share, replies: list[Any], given: list[Any] | Exception) -> None:
    found = given if isinstance(given, list) else [given] * len(share.indexes)
    for index, reply in zip(share.indexes, found, strict=True):
        if index is not None:
            replies[index] = reply


def _shows_change(reply: Any) -> bool:
    return isinstance(reply, ClusterDownError | MovedError) or is_doubtful(reply)
