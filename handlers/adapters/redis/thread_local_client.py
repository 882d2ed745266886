"""A Redis client that sends each thread's commands over the thread's own connection."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from handlers.adapters.redis.own_connection import (
    DIRECT,
    LOST,
    OwnConnection,
    OwnConnections,
    TooFewReplicasError,
    is_doubtful,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.adapters.redis.own_connection import Command


class ThreadLocalRedis(Redis):
    """redis-py's client, but the service's commands bypass its pool and its metrics.

    When a command finds its connection stale (a frozen Lambda, an idle timeout), the connection is
    replaced and the command sent once more, as the pool's own retry does: every script and every
    command may be repeated. The same is done, at most every LEAVE_EVERY_S, when the server behaves
    like one that is not the primary any more: the address may lead to another one meanwhile.
    """

    def __init__(self, **options: Any) -> None:
        self._own_connections = OwnConnections()
        super().__init__(**options)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the reply; raise redis-py's errors."""
        if options or args[0] not in DIRECT:
            return super().execute_command(*args, **options)
        [reply] = self.execute_all([args])
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    def execute_all(self, commands: Sequence[Command], wait: Command | None = None) -> list[Any]:
        """Send commands in one write; return their replies, including errors.

        wait: a WAIT behind them; where it counts too few replicas the replies are errors, for a
        while without asking.
        """
        connection = self._own()
        if wait:
            return self._replicated(connection, commands, wait)
        try:
            replies = connection.ask_once(commands)
        except LOST:
            replies = connection.ask_once(commands)  # reconnects
        doubtful = [index for index, reply in enumerate(replies) if is_doubtful(reply)]
        if doubtful and connection.leave():
            # Where the new server does not respond, the doubtful replies are replies still.
            with suppress(RedisError):
                again = connection.ask_once([commands[index] for index in doubtful])
                for index, reply in zip(doubtful, again, strict=True):
                    replies[index] = reply
        return replies

    def _replicated(
        self, connection: OwnConnection, commands: Sequence[Command], wait: Command
    ) -> list[Any]:
        if not connection.replicas.allows():
            return [TooFewReplicasError()] * len(commands)
        try:
            replies = connection.ask_once(commands, wait)
        except LOST:
            replies = connection.ask_once(commands, wait)  # reconnects
        if any(map(is_doubtful, replies)):
            connection.leave()
        return replies

    def close(self) -> None:
        """Close the connections of all threads; a thread that continues opens a new one."""
        self._own_connections.close()
        self.connection_pool.disconnect()
        super().close()

    def _own(self) -> OwnConnection:
        return self._own_connections.to("", self.connection_pool)
