"""The pool of ten connections; MySQL itself is in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab import servers

if TYPE_CHECKING:
    from collections.abc import Iterator


class Connection:
    """What the pool lends, without a server."""

    def __init__(self) -> None:
        self.in_transaction = False
        self.done: list[str] = []

    def rollback(self) -> None:
        self.done.append("rollback")
        self.in_transaction = False

    def close(self) -> None:
        self.done.append("close")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    found: list[Any] = []

    def connect(_url: str) -> Connection:
        found.append(Connection())
        return found[-1]  # type: ignore[no-any-return] # just appended

    monkeypatch.setenv("DATABASE_URL", "mysql://u:p@127.0.0.1:1/lab")
    monkeypatch.setattr(servers, "connect_to_mysql", connect)
    monkeypatch.setattr(servers, "POOL_WAIT_S", 0.01)
    servers._pool.cache_clear()
    yield found
    servers._pool.cache_clear()


def test_a_connection_is_lent_again_and_what_was_not_committed_is_rolled_back(
    opened: list[Any],
) -> None:
    for _ in range(3):
        with servers.mysql() as connection:
            connection.in_transaction = True
    assert len(opened) == 1
    assert opened[0].done == ["rollback"] * 3


def test_the_eleventh_waits_and_is_refused_and_the_pool_is_whole_after_that(
    opened: list[Any],
) -> None:
    held = [servers.mysql() for _ in range(servers.POOL_SIZE)]
    for each in held:
        each.__enter__()
    with pytest.raises(servers.PoolIsDryError, match="all 10 connections"), servers.mysql():
        pass
    for each in held:
        each.__exit__(None, None, None)
    with servers.mysql():
        assert len(opened) == servers.POOL_SIZE


def test_a_connection_that_saw_an_error_is_closed_and_replaced(opened: list[Any]) -> None:
    for _ in range(servers.POOL_SIZE + 1):
        with pytest.raises(ValueError, match="wrong"), servers.mysql():
            int("wrong")
    assert [each.done for each in opened] == [["close"]] * (servers.POOL_SIZE + 1)


def test_a_server_that_is_away_takes_no_place_of_the_pool(
    opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_url: str) -> Connection:
        message = "refused"
        raise ConnectionError(message)

    with monkeypatch.context() as patch:
        patch.setattr(servers, "connect_to_mysql", refuse)
        for _ in range(servers.POOL_SIZE + 1):
            with pytest.raises(ConnectionError), servers.mysql():
                pass
    with servers.mysql():
        assert len(opened) == 1
