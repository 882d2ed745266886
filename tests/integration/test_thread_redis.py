"""thread_local_client.py on a real server: each thread's own connection and replies."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from handlers.adapters.redis.client import connect
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

pytestmark = pytest.mark.single_redis
ECHO = "return ARGV[1]"
# Long enough to be interrupted in the middle.
SLOW_ECHO = "local i = 0 while i < 3000000 do i = i + 1 end return ARGV[1]"
THREADS, ECHOES = 8, 200


@pytest.fixture
def client(service: Settings) -> Iterator[ThreadLocalRedis]:
    made = connect(service)
    assert isinstance(made, ThreadLocalRedis)
    with closing(made):
        yield made


@pytest.fixture
def echo(client: ThreadLocalRedis) -> str:
    return str(client.script_load(ECHO))


def connections(client: ThreadLocalRedis) -> set[str]:
    """Addresses of the connections that last ran a script."""
    return {each["addr"] for each in client.client_list() if each["cmd"] == "evalsha"}


def test_each_thread_has_its_own_connection_and_gets_its_own_replies(
    client: ThreadLocalRedis, echo: str
) -> None:
    barrier = threading.Barrier(THREADS)

    def ask(thread: int) -> bool:
        barrier.wait()
        return all(
            client.execute_command("EVALSHA", echo, 0, f"{thread}-{n}") == f"{thread}-{n}".encode()
            for n in range(ECHOES)
        )

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(ask, range(THREADS)))
        assert len(connections(client)) == THREADS
    # A thread that ends closes its connection.
    eventually(lambda: not connections(client), "the connections' end")


def test_a_connection_that_was_killed_is_replaced_and_the_script_run_again(
    client: ThreadLocalRedis, echo: str
) -> None:
    for number in (b"1", b"2"):
        assert client.execute_command("EVALSHA", echo, 0, number) == number
        [killed] = connections(client)
        client.client_kill(killed)
    assert client.execute_command("EVALSHA", echo, 0, "3") == b"3"


def test_a_batch_whose_connection_was_killed_is_run_again_with_replies_in_order(
    client: ThreadLocalRedis, echo: str
) -> None:
    assert client.execute_command("EVALSHA", echo, 0, "1") == b"1"
    [killed] = connections(client)
    client.client_kill(killed)
    batch = [("EVALSHA", echo, 0, f"{n}") for n in range(ECHOES)]
    assert client.execute_all(batch) == [f"{n}".encode() for n in range(ECHOES)]


def test_an_error_among_the_replies_to_a_batch_is_at_its_own_index_like_all_others(
    client: ThreadLocalRedis, echo: str
) -> None:
    batch = [("EVALSHA", echo, 0, "1"), ("EVALSHA", "0" * 40, 0), ("EVALSHA", echo, 0, "3")]
    first, error, third = client.execute_all(batch)
    assert (first, third) == (b"1", b"3")
    assert isinstance(error, ResponseError)
    assert client.execute_command("EVALSHA", echo, 0, "4") == b"4"


def test_a_server_that_is_gone_is_tried_twice_and_no_more(
    client: ThreadLocalRedis, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def lose(*_: Any) -> None:
        attempts.append(1)
        raise RedisConnectionError

    client.execute_command("EVALSHA", echo, 0, "1")
    monkeypatch.setattr(client._own(), "ask_once", lose)
    with pytest.raises(RedisConnectionError):
        client.execute_command("EVALSHA", echo, 0, "2")
    assert len(attempts) == 2


def test_an_error_reply_is_raised_and_the_connection_is_reused(
    client: ThreadLocalRedis, echo: str
) -> None:
    client.execute_command("EVALSHA", echo, 0, "1")
    before = connections(client)
    with pytest.raises(ResponseError, match="No matching script"):
        client.execute_command("EVALSHA", "0" * 40, 0)
    assert client.execute_command("EVALSHA", echo, 0, "2") == b"2"
    assert connections(client) == before


class CutShortError(Exception):
    """Any error that may end a wait for a reply."""


def interrupted(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, *, batch: int, read: int
) -> list[bytes]:
    """Send a batch of which only `read` replies are read, then another; return its replies."""
    echo, slow = client.script_load(ECHO), client.script_load(SLOW_ECHO)
    client.execute_command("EVALSHA", echo, 0, "before")
    read_response, replies = client._own().raw.read_response, list[Any]()

    def interrupt(*args: Any, **named: Any) -> Any:
        if len(replies) == read:
            raise CutShortError
        replies.append(read_response(*args, **named))
        return replies[-1]

    with monkeypatch.context() as patched:
        patched.setattr(client._own().raw, "read_response", interrupt)
        with pytest.raises(CutShortError):
            client.execute_all([("EVALSHA", slow, 0, f"another's {n}") for n in range(batch)])
    assert replies == [f"another's {n}".encode() for n in range(read)]
    return client.execute_all([("EVALSHA", echo, 0, f"mine {n}") for n in range(batch)])


INTERRUPTED = pytest.mark.parametrize(("batch", "read"), [(1, 0), (3, 0), (3, 1), (3, 2)])


@INTERRUPTED
def test_a_reply_that_comes_too_late_is_never_taken_for_the_next_one(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, batch: int, read: int
) -> None:
    mine = [f"mine {n}".encode() for n in range(batch)]
    assert interrupted(client, monkeypatch, batch=batch, read=read) == mine


@INTERRUPTED
def test_control_without_closing_the_connection_the_next_one_gets_it(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, batch: int, read: int
) -> None:
    connection: Any = client._own().raw
    monkeypatch.setattr(connection, "disconnect", lambda *_, **__: None)
    unread = [f"another's {n}".encode() for n in range(read, batch)]
    taken = interrupted(client, monkeypatch, batch=batch, read=read)
    assert taken == [*unread, *(f"mine {n}".encode() for n in range(read))]
    monkeypatch.undo()
    connection.disconnect()


def test_after_a_close_every_thread_connects_again(client: ThreadLocalRedis, echo: str) -> None:
    with ThreadPoolExecutor(1) as another:
        for _ in range(2):
            assert client.execute_command("EVALSHA", echo, 0, "1") == b"1"
            asked = another.submit(client.execute_command, "EVALSHA", echo, 0, "2")
            assert asked.result() == b"2"
            assert len(connections(client)) == 2
            client.close()
            eventually(lambda: not connections(client), "the connections' end")


def test_a_forked_process_has_a_connection_of_its_own(client: ThreadLocalRedis, echo: str) -> None:
    context = multiprocessing.get_context("fork")
    replies = context.SimpleQueue()

    def ask() -> None:
        replies.put((client.execute_command("EVALSHA", echo, 0, "child"), connections(client)))

    assert client.execute_command("EVALSHA", echo, 0, "parent") == b"parent"
    parents = connections(client)
    child = context.Process(target=ask)
    child.start()
    child.join()
    reply, seen = replies.get()
    assert reply == b"child"
    assert len(seen) == 2
    assert parents < seen
    assert client.execute_command("EVALSHA", echo, 0, "parent") == b"parent"
    assert connections(client) == parents
