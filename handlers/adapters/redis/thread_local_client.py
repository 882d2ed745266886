"""A Redis client that sends each thread's scripts over the thread's own connection."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.connection import ConnectionInterface

LOST = (RedisConnectionError, RedisTimeoutError)


class ThreadLocalRedis(Redis):
    """redis-py's client, but EVALSHA bypasses its pool and its metrics.

    Taking a connection from the pool, checking that it is alive and returning it takes longer than
    an admission itself. When a command finds its connection stale (a frozen Lambda, an idle
    timeout), the connection is replaced and the command sent once more, as the pool's own retry
    does: every script may be repeated.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._local = threading.local()
        self._opened: WeakSet[ConnectionInterface] = WeakSet()
        self._lock = threading.Lock()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the reply; raise redis-py's errors."""
        if args[0] != "EVALSHA":
            return super().execute_command(*args, **options)
        [reply] = self.execute_all([args])
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send EVALSHAs in one write; return their replies, including errors."""
        connection = self._own()
        try:
            return _ask(connection, commands)
        except LOST:
            return _ask(connection, commands)  # reconnects

    def close(self) -> None:
        """Close the connections of all threads; a thread that continues opens a new one."""
        with self._lock:
            opened = list(self._opened)
        for connection in opened:
            connection.disconnect()
        self.connection_pool.disconnect()
        super().close()

    def _own(self) -> ConnectionInterface:
        process, connection = getattr(self._local, "own", (0, None))
        # A forked process must not read the replies to its parent.
        if process != os.getpid():
            connection = self.connection_pool.make_connection()
            self._local.own = os.getpid(), connection
            with self._lock:
                self._opened.add(connection)
        return cast("ConnectionInterface", connection)


def _ask(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    try:
        connection.send_all(commands)
        return [_reply(connection) for _ in commands]
    except BaseException:
        # Late replies must never be read as those to the next commands.
        connection.disconnect()
        raise


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error  # also a complete reply
