"""own_connection.py: too few replicas are waited for once, and by no thread for a while after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from handlers.adapters.redis import own_connection
from handlers.adapters.redis.own_connection import OwnConnections, TooFewReplicasError

if TYPE_CHECKING:
    from redis.connection import ConnectionPool

    from handlers.adapters.redis.own_connection import OwnConnection

WAIT = ("WAIT", 2, 100)


class Pool:
    """Makes connections to a server that gives these replies, one after the other."""

    def __init__(self) -> None:
        self.replies: list[Any] = []
        self.connection_class = lambda: self
        self.connection_kwargs: dict[str, Any] = {}

    def send_all(self, commands: list[Any]) -> None:
        assert commands[-1] == WAIT

    def read_response(self) -> Any:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def disconnect(self) -> None:
        self.replies.clear()


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def all_servers() -> OwnConnections:
    return OwnConnections()


def connection_to(server: str, pool: Pool, owner: OwnConnections) -> OwnConnection:
    return owner.to(server, cast("ConnectionPool", pool))


@pytest.fixture
def connection(pool: Pool, all_servers: OwnConnections) -> OwnConnection:
    return connection_to("a", pool, all_servers)


def asked(connection: OwnConnection, pool: Pool, *replies: Any) -> list[Any]:
    pool.replies = list(replies)
    return connection.ask_once([("EVALSHA",)] * (len(replies) - 1), WAIT)


@pytest.mark.parametrize("count", [2, 3])
def test_where_enough_replicas_took_the_writes_the_replies_are_those_of_the_server(
    connection: OwnConnection, pool: Pool, count: int
) -> None:
    assert asked(connection, pool, 1, 0, count) == [1, 0]
    assert connection.replicas.allows()


@pytest.mark.parametrize("count", [0, 1, ResponseError("WAIT cannot be used with replicas")])
def test_with_fewer_every_reply_is_an_error_and_an_error_of_the_server_stays_what_it_is(
    connection: OwnConnection, pool: Pool, count: Any
) -> None:
    refused = ReadOnlyError("a replica")
    first, second = asked(connection, pool, 1, refused, count)
    assert isinstance(first, TooFewReplicasError)
    assert second is refused
    assert not connection.replicas.allows()


def test_a_server_that_does_not_respond_is_not_waited_for_again_either(
    connection: OwnConnection, pool: Pool
) -> None:
    with pytest.raises(RedisConnectionError):
        asked(connection, pool, 1, RedisConnectionError("lost"))
    assert not connection.replicas.allows()


def test_threads_share_what_is_known_of_a_server_and_servers_do_not(
    all_servers: OwnConnections, connection: OwnConnection, pool: Pool
) -> None:
    asked(connection, pool, 1, 0)
    all_servers._local.by_server.clear()  # as in another thread
    again, other = (connection_to(server, pool, all_servers) for server in "ab")
    assert again is not connection
    assert not again.replicas.allows()
    assert other.replicas.allows()


def test_after_a_while_one_caller_tries_and_a_success_lets_all_ask_again(
    pool: Pool, all_servers: OwnConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_connection, "WAIT_AGAIN_S", 0.0)
    connection = connection_to("a", pool, all_servers)
    asked(connection, pool, 1, 0)
    assert connection.replicas.is_open
    assert connection.replicas.allows()
    assert asked(connection, pool, 1, 2) == [1]
    assert not connection.replicas.is_open
