"""A Redis client that sends each thread's scripts over a connection of that thread's own."""

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
    """redis-py's client, which runs EVALSHA past its pool and its metrics.

    Taking a connection out of the pool, looking whether it still lives and giving it back takes
    longer than an admission itself. A connection that went stale (a frozen Lambda, an idle
    timeout) is noticed by the command, replaced, and the command is sent once more, as the pool's
    own retry does: every script may be repeated.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._local = threading.local()
        self._opened: WeakSet[ConnectionInterface] = WeakSet()
        self._lock = threading.Lock()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the answer; raise redis-py's errors."""
        if args[0] != "EVALSHA":
            return super().execute_command(*args, **options)
        [answer] = self.execute_all([args])
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Send EVALSHAs in one write; return their answers, also those that are errors."""
        connection = self._own()
        try:
            return _ask(connection, commands)
        except LOST:
            return _ask(connection, commands)  # connects anew

    def close(self) -> None:
        """Close the connections of all threads; whoever goes on opens new ones."""
        with self._lock:
            opened = list(self._opened)
        for connection in opened:
            connection.disconnect()
        super().close()

    def _own(self) -> ConnectionInterface:
        process, connection = getattr(self._local, "own", (0, None))
        # A forked process must not read the answers to its parent.
        if process != os.getpid():
            connection = self.connection_pool.make_connection()
            self._local.own = os.getpid(), connection
            with self._lock:
                self._opened.add(connection)
        return cast("ConnectionInterface", connection)


def _ask(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    try:
        connection.send_all(commands)
        return [_answer(connection) for _ in commands]
    except BaseException:
        # Answers may still come, and must never be taken for those to the next commands.
        connection.disconnect()
        raise


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error  # an answer as well, and read to its end
