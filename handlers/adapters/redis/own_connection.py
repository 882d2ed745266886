"""A connection that one thread has for itself: past redis-py's pool, replaced when it is lost.

Taking a connection from the pool, checking that it is alive and returning it takes longer than an
admission itself.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from handlers.adapters.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.connection import ConnectionPool

Command = tuple[Any, ...]

LOST = (RedisConnectionError, RedisTimeoutError)
# What goes over a thread's own connection; all other commands need redis-py to read their replies.
DIRECT = frozenset(
    {"EVAL", "EVALSHA", "GET", "LRANGE", "SADD", "SREM", "UNLINK", "ZMSCORE", "ZRANGE", "ZREM"}
)
# While a rebuild is needed every answer is STALE, and it takes seconds: no storm of connects.
LEAVE_EVERY_S = 0.25
# Too few replicas of a server acknowledged a write in time: no thread waits for them for so long.
WAIT_AGAIN_S = 1.0


class TooFewReplicasError(RedisError):
    """Fewer replicas than asked for have taken the writes of these commands in time."""


class OwnConnection:
    """One thread's connection to one server. Late replies are never read: it is closed instead.

    replicas: whether those of this server acknowledge writes; shared by the threads.
    """

    def __init__(self, pool: ConnectionPool, replicas: CircuitBreaker) -> None:
        # Not by the pool itself, which counts the connections of all threads that ever were.
        self.raw: Any = pool.connection_class(**pool.connection_kwargs)
        self.replicas = replicas
        self._left_at = float("-inf")

    def fileno(self) -> int:
        """Return its open socket's number, to wait for several connections."""
        return int(self.raw._sock.fileno())  # noqa: SLF001 - redis-py has no other way

    def send(self, commands: Sequence[Command], wait: Command | None = None) -> None:
        """Send all in few writes; connect first where necessary. Raises one of LOST."""
        try:
            self.raw.send_all([*commands, wait] if wait else commands)
        except BaseException:
            self.raw.disconnect()
            raise

    def read(self, count: int, wait: Command | None = None) -> list[Any]:
        """Return so many replies, including errors; raise one of LOST."""
        try:
            replies = [_reply(self.raw) for _ in range(count)]
            return self._replicated(replies, _reply(self.raw), wait[1]) if wait else replies
        except BaseException:
            if wait:
                self.replicas.failed()
            self.raw.disconnect()
            raise

    def ask_once(self, commands: Sequence[Command], wait: Command | None = None) -> list[Any]:
        """Send and read."""
        self.send(commands, wait)
        return self.read(len(commands), wait)

    def _replicated(self, replies: list[Any], count: Any, replicas_min: int) -> list[Any]:
        """Return the replies; errors where WAIT counted too few replicas."""
        if isinstance(count, int) and count >= replicas_min:
            self.replicas.succeeded()
            return replies
        self.replicas.failed()
        return [one if isinstance(one, Exception) else TooFewReplicasError() for one in replies]

    def leave(self) -> bool:
        """Close it, unless that was done a moment ago: the next command looks for the server."""
        now = time.monotonic()
        if now - self._left_at < LEAVE_EVERY_S:
            return False
        self._left_at = now
        self.raw.disconnect()
        return True


class OwnConnections:
    """The connections of all threads to all servers."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._opened: WeakSet[OwnConnection] = WeakSet()
        self._replicas: dict[str, CircuitBreaker] = {}
        self._lock = threading.Lock()

    def to(self, server: str, pool: ConnectionPool) -> OwnConnection:
        """Return the calling thread's connection to `server`, one that `pool` could have made."""
        local = self._local
        # A forked process must not read the replies to its parent.
        if getattr(local, "process", 0) != os.getpid():
            local.process, local.by_server = os.getpid(), dict[str, OwnConnection]()
        mine: dict[str, OwnConnection] = local.by_server
        connection = mine.get(server)
        if connection is None:
            with self._lock:
                made = CircuitBreaker(failures_max=1, open_s=WAIT_AGAIN_S)
                replicas = self._replicas.setdefault(server, made)
                connection = mine[server] = OwnConnection(pool, replicas)
                self._opened.add(connection)
        return connection

    def close(self) -> None:
        """Close the connections of all threads; a thread that continues opens a new one."""
        with self._lock:
            opened = list(self._opened)
        for connection in opened:
            connection.raw.disconnect()


def is_doubtful(reply: Any) -> bool:
    """Return whether a server may have said this because it is not the primary any more."""
    if isinstance(reply, ResponseError):
        is_refusal = isinstance(reply, ReadOnlyError | MasterDownError)
        return is_refusal or str(reply).startswith("NOREPLICAS")
    while isinstance(reply, list) and reply:
        reply = reply[0]  # a code is the first of a reply, or of each reply to an applicant
    return bool(reply == b"STALE")


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error  # also a complete reply
