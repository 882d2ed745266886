"""thread_local_client.py on a real server: whose connection, and whose answer."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from handlers.adapters.redis import thread_local_client as thread_redis
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.thread_local_client import ThreadLocalRedis
from tests.support.programs import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

ECHO = "return ARGV[1]"
# Long enough to be interrupted in the middle of it.
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


def test_each_thread_has_its_own_connection_and_gets_its_own_answers(
    client: ThreadLocalRedis, echo: str
) -> None:
    together = threading.Barrier(THREADS)

    def ask(thread: int) -> bool:
        together.wait()
        return all(
            client.execute_command("EVALSHA", echo, 0, f"{thread}-{n}") == f"{thread}-{n}".encode()
            for n in range(ECHOES)
        )

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(ask, range(THREADS)))
        assert len(connections(client)) == THREADS
    # Whoever ends takes the connection along.
    eventually(lambda: not connections(client), "the connections' end")


def test_a_connection_that_was_killed_is_replaced_and_the_script_run_again(
    client: ThreadLocalRedis, echo: str
) -> None:
    for number in (b"1", b"2"):
        assert client.execute_command("EVALSHA", echo, 0, number) == number
        [killed] = connections(client)
        client.client_kill(killed)
    assert client.execute_command("EVALSHA", echo, 0, "3") == b"3"


def test_a_group_that_finds_its_connection_killed_is_run_again_each_answer_in_its_place(
    client: ThreadLocalRedis, echo: str
) -> None:
    assert client.execute_command("EVALSHA", echo, 0, "1") == b"1"
    [killed] = connections(client)
    client.client_kill(killed)
    group = [("EVALSHA", echo, 0, f"{n}") for n in range(ECHOES)]
    assert client.execute_all(group) == [f"{n}".encode() for n in range(ECHOES)]


def test_an_error_among_the_answers_to_a_group_stands_in_its_place_and_the_others_in_theirs(
    client: ThreadLocalRedis, echo: str
) -> None:
    group = [("EVALSHA", echo, 0, "1"), ("EVALSHA", "0" * 40, 0), ("EVALSHA", echo, 0, "3")]
    first, error, third = client.execute_all(group)
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
    monkeypatch.setattr(thread_redis, "_ask", lose)
    with pytest.raises(RedisConnectionError):
        client.execute_command("EVALSHA", echo, 0, "2")
    assert len(attempts) == 2


def test_an_error_that_the_server_answers_is_told_and_the_connection_kept(
    client: ThreadLocalRedis, echo: str
) -> None:
    client.execute_command("EVALSHA", echo, 0, "1")
    before = connections(client)
    with pytest.raises(ResponseError, match="No matching script"):
        client.execute_command("EVALSHA", "0" * 40, 0)
    assert client.execute_command("EVALSHA", echo, 0, "2") == b"2"
    assert connections(client) == before


class CutShortError(Exception):
    """Whatever may end a wait for an answer."""


def interrupted(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, *, group: int, read: int
) -> list[bytes]:
    """Send a group of which only so many answers are read, then another one; return what comes."""
    echo, slow = client.script_load(ECHO), client.script_load(SLOW_ECHO)
    client.execute_command("EVALSHA", echo, 0, "before")
    read_response, answers = client._own().read_response, list[Any]()

    def interrupt(*args: Any, **named: Any) -> Any:
        if len(answers) == read:
            raise CutShortError
        answers.append(read_response(*args, **named))
        return answers[-1]

    with monkeypatch.context() as patched:
        patched.setattr(client._own(), "read_response", interrupt)
        with pytest.raises(CutShortError):
            client.execute_all([("EVALSHA", slow, 0, f"another's {n}") for n in range(group)])
    assert answers == [f"another's {n}".encode() for n in range(read)]
    return client.execute_all([("EVALSHA", echo, 0, f"mine {n}") for n in range(group)])


INTERRUPTED = pytest.mark.parametrize(("group", "read"), [(1, 0), (3, 0), (3, 1), (3, 2)])


@INTERRUPTED
def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_one(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, group: int, read: int
) -> None:
    mine = [f"mine {n}".encode() for n in range(group)]
    assert interrupted(client, monkeypatch, group=group, read=read) == mine


@INTERRUPTED
def test_control_without_closing_the_connection_the_next_one_gets_it(
    client: ThreadLocalRedis, monkeypatch: pytest.MonkeyPatch, group: int, read: int
) -> None:
    connection: Any = client._own()
    monkeypatch.setattr(connection, "disconnect", lambda *_, **__: None)
    unread = [f"another's {n}".encode() for n in range(read, group)]
    taken = interrupted(client, monkeypatch, group=group, read=read)
    assert taken == [*unread, *(f"mine {n}".encode() for n in range(read))]
    monkeypatch.undo()
    connection.disconnect()


def test_after_a_close_every_thread_connects_anew(client: ThreadLocalRedis, echo: str) -> None:
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
    answers = context.SimpleQueue()

    def ask() -> None:
        answers.put((client.execute_command("EVALSHA", echo, 0, "child"), connections(client)))

    assert client.execute_command("EVALSHA", echo, 0, "parent") == b"parent"
    parents = connections(client)
    child = context.Process(target=ask)
    child.start()
    child.join()
    answer, seen = answers.get()
    assert answer == b"child"
    assert len(seen) == 2
    assert parents < seen
    assert client.execute_command("EVALSHA", echo, 0, "parent") == b"parent"
    assert connections(client) == parents
