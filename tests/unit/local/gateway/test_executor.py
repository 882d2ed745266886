"""local/gateway/executor.py: which calls run, which wait, and which are shed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from local.gateway.executor import (
    ClientDisconnectedError,
    ExecutorLimits,
    LoadSheddingExecutor,
    OverloadedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

A_LONG_WAIT_S = 60.0
PATIENCE_S = 30.0


async def never() -> None:
    await asyncio.Event().wait()


def each(questions: list[Callable[[], object]]) -> Iterator[tuple[int, object]]:
    """Run the calls one after the other."""
    for index, question in enumerate(questions):
        yield index, question()


def a_room(bounds: ExecutorLimits) -> LoadSheddingExecutor[Callable[[], object], object]:
    return LoadSheddingExecutor(asyncio.get_running_loop(), bounds, each)


@asynccontextmanager
async def full_room(
    queue_size: int, queue_timeout_s: float
) -> AsyncIterator[tuple[LoadSheddingExecutor[Callable[[], object], object], list[str]]]:
    """An executor whose one thread is busy until the block ends; then what it did, in order."""
    room = a_room(ExecutorLimits(threads=1, queue_size=queue_size, queue_timeout_s=queue_timeout_s))
    begun, release, done = threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        begun.set()
        assert release.wait(PATIENCE_S)

    holding = asyncio.ensure_future(room.call(hold, never))
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)
    try:
        yield room, done
    finally:
        release.set()
        await holding
        await room.call(lambda: None, never)  # all waiting calls are before this one
        room.close()


def test_a_call_to_a_full_queue_is_refused_at_once() -> None:
    async def scenario() -> list[str]:
        async with full_room(queue_size=1, queue_timeout_s=A_LONG_WAIT_S) as (room, done):
            waits = asyncio.ensure_future(room.call(lambda: done.append("waited"), never))
            await asyncio.sleep(0)
            with pytest.raises(OverloadedError):
                await room.call(lambda: done.append("refused"), never)
        await waits
        return done

    assert asyncio.run(scenario()) == ["waited"]


def test_a_call_that_waited_too_long_is_refused_and_never_runs() -> None:
    async def scenario() -> list[str]:
        async with full_room(queue_size=9, queue_timeout_s=0.01) as (room, done):
            with pytest.raises(OverloadedError):
                await room.call(lambda: done.append("too late"), never)
        return done

    assert asyncio.run(scenario()) == []


def test_the_handler_of_a_client_that_went_away_while_waiting_never_runs() -> None:
    async def scenario() -> list[str]:
        async with full_room(queue_size=9, queue_timeout_s=A_LONG_WAIT_S) as (room, done):
            with pytest.raises(ClientDisconnectedError):
                await room.call(lambda: done.append("nobody"), lambda: asyncio.sleep(0))
        return done

    assert asyncio.run(scenario()) == []


def test_waiting_calls_are_started_in_the_order_in_which_they_came() -> None:
    async def scenario() -> list[str]:
        names = [f"{number}" for number in range(20)]
        async with full_room(queue_size=20, queue_timeout_s=A_LONG_WAIT_S) as (room, done):
            calls = [
                asyncio.ensure_future(room.call(partial(done.append, name), never))
                for name in names
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert sorted(done, key=int) == names
        return done

    assert asyncio.run(scenario()) == [f"{number}" for number in range(20)]


def test_an_error_of_a_handler_reaches_its_caller_and_frees_the_thread() -> None:
    def fail() -> None:
        message = "a bug"
        raise RuntimeError(message)

    async def scenario() -> object:
        room = a_room(ExecutorLimits(threads=1))
        with pytest.raises(RuntimeError, match="a bug"):
            await room.call(fail, never)
        result = await room.call(lambda: "fine", never)
        room.close()
        return result

    assert asyncio.run(scenario()) == "fine"


def test_no_more_handlers_run_at_once_than_there_are_threads() -> None:
    async def scenario() -> int:
        room = a_room(ExecutorLimits(threads=3, queue_timeout_s=A_LONG_WAIT_S))
        inside, most = 0, 0
        lock, max_batch = threading.Lock(), threading.Barrier(3, timeout=PATIENCE_S)

        def count() -> None:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            max_batch.wait()  # passes only when three handlers run
            with lock:
                inside -= 1

        await asyncio.gather(*(room.call(count, never) for _ in range(30)))
        room.close()
        return most

    assert asyncio.run(scenario()) == 3
