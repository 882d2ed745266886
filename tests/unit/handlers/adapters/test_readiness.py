"""handlers/adapters/readiness.py: a memory of seconds, and one thread that asks each server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from handlers.adapters import readiness as module
from handlers.adapters.readiness import REMEMBERED_FAILURE_S, REMEMBERED_OK_S, Readiness
from handlers.domain.errors import StaleStateError, UnavailableError
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.conftest import LogLines

CALLERS = 8
A_MOMENT_S = 0.01
SHORT_S = 0.05


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Server:
    """Responds or fails, at once or when it is released."""

    error: Exception | None = None
    released: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0
    threads: set[int] = field(default_factory=set)

    def ping(self) -> None:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.threads.add(threading.get_ident())
        assert self.released.wait(WAIT_S)
        self.at_once -= 1
        if self.error:
            raise self.error


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.released.set()
    yield made
    made.released.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readiness(server: Server, clock: Clock) -> Iterator[Readiness]:
    with closing(Readiness(clock=clock, kafka=server.ping)) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's clock does not end a wait, which is one of the real clock."""
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", SHORT_S)


def ask_at_once(ask: Callable[[], object], server: Server) -> list[object]:
    """Let CALLERS ask while the server keeps them waiting, then release it."""
    server.released.clear()
    with ThreadPoolExecutor(CALLERS) as pool:
        replies = [pool.submit(ask) for _ in range(CALLERS)]
        eventually(lambda: server.asked > 0, "the first question")
        server.released.set()
        return [reply.result(WAIT_S) for reply in replies]


def test_a_server_that_responds_is_not_asked_again_while_its_state_is_remembered(
    readiness: Readiness, server: Server, clock: Clock
) -> None:
    assert readiness.remembered() is None
    for _ in range(100):
        assert readiness.states() == {"kafka": "ok"}
    clock.now += REMEMBERED_OK_S - A_MOMENT_S
    assert readiness.states() == readiness.remembered() == {"kafka": "ok"}
    assert server.asked == 1
    clock.now += A_MOMENT_S
    assert readiness.remembered() is None
    assert readiness.states() == {"kafka": "ok"}
    assert server.asked == 2
    assert len(server.threads) == 1  # whose connections are kept


def test_a_failure_shows_once_the_memory_is_over_and_is_remembered_for_less_long(
    readiness: Readiness, server: Server, clock: Clock
) -> None:
    assert readiness.states() == {"kafka": "ok"}
    server.error = UnavailableError()
    clock.now += REMEMBERED_OK_S
    assert readiness.states() == {"kafka": "unavailable"}
    server.error = None
    clock.now += REMEMBERED_FAILURE_S - A_MOMENT_S
    assert readiness.states() == readiness.remembered() == {"kafka": "unavailable"}
    clock.now += A_MOMENT_S
    assert readiness.states() == {"kafka": "ok"}
    assert server.asked == 3


def test_a_server_without_its_epoch_is_stale(readiness: Readiness, server: Server) -> None:
    server.error = StaleStateError()
    assert readiness.states() == {"kafka": "stale"}


def test_of_many_calls_at_once_one_asks_and_all_get_its_reply(
    readiness: Readiness, server: Server
) -> None:
    replies = ask_at_once(readiness.states, server)
    assert replies == [{"kafka": "ok"}] * CALLERS
    assert (server.asked, server.most_at_once) == (1, 1)


def test_control_without_the_single_probe_each_call_would_ask(server: Server) -> None:
    def ask() -> None:
        server.ping()
        eventually(lambda: server.asked == CALLERS, "all questions")

    ask_at_once(ask, server)
    assert server.asked == CALLERS
    assert server.most_at_once > 1


@pytest.mark.usefixtures("impatient")
def test_a_server_that_does_not_reply_in_time_is_unavailable_without_another_wait(
    readiness: Readiness, server: Server, clock: Clock, logged: LogLines
) -> None:
    server.released.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(readiness.states)
        eventually(lambda: server.asked == 1, "the question")
        assert readiness.remembered() is None
        clock.now += SHORT_S
        for _ in range(3):
            assert readiness.states() == readiness.remembered() == {"kafka": "unavailable"}
        assert first.result(WAIT_S) == {"kafka": "unavailable"}
    assert server.asked == 1
    [line] = logged.lines
    assert (line["message"], line["server"]) == ("not ready", "kafka")
    server.released.set()
    eventually(lambda: readiness.states() == {"kafka": "ok"}, "the late reply")
    assert server.asked == 1


@pytest.mark.usefixtures("impatient")
def test_one_server_that_does_not_reply_does_not_hold_up_the_others(server: Server) -> None:
    clock, other = Clock(), Server()
    other.released.set()
    with closing(Readiness(clock=clock, kafka=server.ping, mysql=other.ping)) as readiness:
        server.released.clear()
        with ThreadPoolExecutor(1) as pool:
            states = pool.submit(readiness.states)
            eventually(lambda: other.asked == 1, "the question to the other")
            clock.now += SHORT_S
            assert states.result(WAIT_S)["kafka"] == "unavailable"
            eventually(lambda: readiness.states()["mysql"] == "ok", "its reply")


def test_an_error_of_ours_reaches_the_caller_and_the_thread_lives_on(
    readiness: Readiness, server: Server, clock: Clock
) -> None:
    server.error = ValueError("a bug")
    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            readiness.states()
        assert readiness.remembered() is None
    assert server.asked == 1
    server.error = None
    clock.now += REMEMBERED_FAILURE_S
    assert readiness.states() == {"kafka": "ok"}


def test_the_log_says_of_each_probe_that_failed_why_and_not_of_each_call(
    readiness: Readiness, server: Server, logged: LogLines
) -> None:
    server.error = UnavailableError()
    server.error.__cause__ = ConnectionRefusedError()
    for _ in range(5):
        readiness.states()
    [line] = logged.lines
    assert (line["level"], line["server"]) == ("WARNING", "kafka")
    assert line["cause"] == "ConnectionRefusedError"


def test_a_failure_without_a_drivers_error_is_logged_in_our_own_words(
    readiness: Readiness, server: Server, logged: LogLines
) -> None:
    server.error = UnavailableError("Kafka has no topic coupon_create")
    readiness.states()
    assert logged.lines[0]["cause"] == "Kafka has no topic coupon_create"


def test_after_the_end_the_thread_ends(readiness: Readiness, server: Server) -> None:
    readiness.states()
    [probing] = [each for each in threading.enumerate() if each.ident in server.threads]
    readiness.close()
    probing.join(WAIT_S)
    assert not probing.is_alive()
