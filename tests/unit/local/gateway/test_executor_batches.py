"""local/gateway/executor.py: what waits is given to a thread as a group."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from local.gateway import executor as waiting_room
from local.gateway.executor import (
    MAX_BATCHES_IN_FLIGHT,
    ClientDisconnectedError,
    ExecutorLimits,
    LoadSheddingExecutor,
    OverloadedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

A_LONG_WAIT_S = 60.0
PATIENCE_S = 30.0


async def never() -> None:
    await asyncio.Event().wait()


class Room:
    """A waiting room whose threads hold each group until it is let go."""

    def __init__(self, bounds: ExecutorLimits) -> None:
        self.begun: SimpleQueue[list[str]] = SimpleQueue()
        self._let_go = threading.Semaphore(0)
        self._room = LoadSheddingExecutor(asyncio.get_running_loop(), bounds, self._work)
        self._calls: list[asyncio.Future[str]] = []
        self.close = self._room.close

    def _work(self, questions: list[str]) -> Iterator[tuple[int, str]]:
        self.begun.put(questions)
        assert self._let_go.acquire(timeout=PATIENCE_S)
        for place, question in enumerate(questions):
            yield place, question.upper()

    def ask(
        self, questions: str, disconnected: Callable[[], Awaitable[None]] = never
    ) -> list[asyncio.Future[str]]:
        """Ask one question for each letter, all of them within one turn of the loop."""
        calls: list[asyncio.Future[str]] = [
            asyncio.ensure_future(self._room.call(one, disconnected)) for one in questions
        ]
        self._calls += calls
        return calls

    async def next_group(self) -> str:
        """Return what the next group that begins is asked."""
        return "".join(await asyncio.to_thread(self.begun.get, timeout=PATIENCE_S))

    def let_go(self, groups: int = 1) -> None:
        self._let_go.release(groups)

    async def answers(self) -> list[str | BaseException]:
        return await asyncio.gather(*self._calls, return_exceptions=True)


@asynccontextmanager
async def busy_room(*, threads: int, max_batch: int) -> AsyncIterator[Room]:
    """A room with as many groups at work as are enough: "a", "b" and so on."""
    room = Room(ExecutorLimits(threads=threads, max_batch=max_batch, queue_timeout_s=A_LONG_WAIT_S))
    for letter in "ab"[:MAX_BATCHES_IN_FLIGHT]:
        room.ask(letter)
        assert await room.next_group() == letter
    yield room
    room.let_go(100)
    await room.answers()
    room.close()


def test_what_waits_goes_to_the_next_thread_as_one_group_in_order_and_no_larger_than_it_may() -> (
    None
):
    async def scenario() -> list[str]:
        async with busy_room(threads=MAX_BATCHES_IN_FLIGHT, max_batch=3) as room:
            calls = room.ask("cdefg")
            room.let_go()
            first = await room.next_group()
            room.let_go()
            second = await room.next_group()
            room.let_go(2)
            assert [await call for call in calls] == ["C", "D", "E", "F", "G"]
        return [first, second]

    assert asyncio.run(scenario()) == ["cde", "fg"]


def test_while_enough_groups_are_at_work_the_others_gather_although_threads_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_room, "POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> str:
        async with busy_room(threads=8, max_batch=64) as room:
            room.ask("c")
            await asyncio.sleep(0)
            room.ask("d")
            room.let_go()
            return await room.next_group()

    assert asyncio.run(scenario()) == "cd"


def test_a_group_that_is_full_begins_on_a_free_thread_however_many_are_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_room, "POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        async with busy_room(threads=8, max_batch=2) as room:
            room.ask("cdefg")
            return sorted([await room.next_group(), await room.next_group()])

    assert asyncio.run(scenario()) == ["cd", "ef"]


def test_whoever_has_waited_for_a_while_gets_a_free_thread_although_others_are_held_up() -> None:
    async def scenario() -> list[str]:
        async with busy_room(threads=4, max_batch=64) as room:
            begun = []
            for letter in "cd":  # nobody is let go
                room.ask(letter)
                begun.append(await room.next_group())
        return begun

    assert asyncio.run(scenario()) == ["c", "d"]


def test_clients_that_went_away_while_waiting_are_left_out_of_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_room, "POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr(waiting_room, "WATCHED_AFTER_S", 0.0)

    async def scenario() -> str:
        async with busy_room(threads=MAX_BATCHES_IN_FLIGHT, max_batch=64) as room:
            room.ask("c")
            [disconnected] = room.ask("d", disconnected=lambda: asyncio.sleep(0))
            room.ask("e")
            with pytest.raises(ClientDisconnectedError):
                await disconnected
            room.let_go()
            return await room.next_group()

    assert asyncio.run(scenario()) == "ce"


def test_an_answer_reaches_its_caller_before_the_group_ends_and_the_thread_is_not_yet_free() -> (
    None
):
    heard = threading.Event()

    def work(questions: list[str]) -> Iterator[tuple[int, str]]:
        if len(questions) > 1:
            yield 1, "early"
        assert heard.wait(PATIENCE_S)
        yield 0, "late"

    async def scenario() -> list[str]:
        bounds = ExecutorLimits(threads=1, max_batch=2, queue_size=1, queue_timeout_s=A_LONG_WAIT_S)
        room = LoadSheddingExecutor(asyncio.get_running_loop(), bounds, work)
        late, early = (asyncio.ensure_future(room.call(one, never)) for one in ("a", "b"))
        answers = [await early]
        waits = asyncio.ensure_future(room.call("c", never))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await room.call("d", never)
        assert not late.done()
        heard.set()
        answers += [await late, await waits]
        room.close()
        return answers

    assert asyncio.run(scenario()) == ["early", "late", "late"]


@pytest.mark.parametrize(("fails", "told"), [(True, "a bug"), (False, "no response")])
def test_a_fault_reaches_all_who_have_no_answer_and_frees_the_thread(
    fails: bool,  # noqa: FBT001 - a parameter of a test
    told: str,
) -> None:
    def work(questions: list[str]) -> Iterator[tuple[int, str]]:
        yield 0, questions[0]
        if fails and len(questions) > 1:
            message = "a bug"
            raise ValueError(message)

    async def scenario() -> list[str | BaseException]:
        bounds = ExecutorLimits(threads=1, max_batch=3)
        room = LoadSheddingExecutor(asyncio.get_running_loop(), bounds, work)
        group = (room.call(one, never) for one in "abc")
        answers = await asyncio.gather(*group, return_exceptions=True)
        answers += [await room.call("the next", never)]
        room.close()
        return answers

    first, *errors, following = asyncio.run(scenario())
    assert (first, following) == ("a", "the next")
    assert [told in str(error) for error in errors] == [True, True]
    assert all(isinstance(error, Exception) for error in errors)


def test_the_bound_of_the_queue_holds_for_all_who_come_within_one_turn_of_the_loop() -> None:
    async def scenario() -> list[str | BaseException]:
        room = Room(
            ExecutorLimits(threads=1, queue_size=3, queue_timeout_s=A_LONG_WAIT_S, max_batch=2)
        )
        room.ask("abcdefg")  # two for the thread, three may wait
        room.let_go(100)
        answers = await room.answers()
        room.close()
        return answers

    answers = asyncio.run(scenario())
    assert answers[:5] == ["A", "B", "C", "D", "E"]
    assert [type(answer) for answer in answers[5:]] == [OverloadedError] * 2
