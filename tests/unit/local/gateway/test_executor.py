"""local/gateway/executor.py: which requests run, wait or are shed."""

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
TIMEOUT_S = 30.0


async def never() -> None:
    await asyncio.Event().wait()


def each(requests: list[Callable[[], object]]) -> Iterator[tuple[int, object]]:
    """Run the requests one after the other."""
    for index, request in enumerate(requests):
        yield index, request()


def new_executor(limits: ExecutorLimits) -> LoadSheddingExecutor[Callable[[], object], object]:
    return LoadSheddingExecutor(asyncio.get_running_loop(), limits, each)


@asynccontextmanager
async def full_executor(
    queue_size: int, queue_timeout_s: float
) -> AsyncIterator[tuple[LoadSheddingExecutor[Callable[[], object], object], list[str]]]:
    """An executor whose one thread is busy in the block, and the list of what ran, in order."""
    executor = new_executor(ExecutorLimits(1, queue_size, queue_timeout_s))
    begun, release, done = threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        begun.set()
        assert release.wait(TIMEOUT_S)

    holding = asyncio.ensure_future(executor.call(hold, never))
    assert await asyncio.to_thread(begun.wait, TIMEOUT_S)
    try:
        yield executor, done
    finally:
        release.set()
        await holding
        await executor.call(lambda: None, never)  # all waiting requests are before this one
        executor.close()


def test_a_request_to_a_full_queue_is_rejected_at_once() -> None:
    async def scenario() -> list[str]:
        async with full_executor(queue_size=1, queue_timeout_s=A_LONG_WAIT_S) as (executor, done):
            waits = asyncio.ensure_future(executor.call(lambda: done.append("waited"), never))
            await asyncio.sleep(0)
            with pytest.raises(OverloadedError):
                await executor.call(lambda: done.append("refused"), never)
        await waits
        return done

    assert asyncio.run(scenario()) == ["waited"]


def test_a_request_that_waited_too_long_is_shed_and_its_handler_never_runs() -> None:
    async def scenario() -> list[str]:
        async with full_executor(queue_size=9, queue_timeout_s=0.01) as (executor, done):
            with pytest.raises(OverloadedError):
                await executor.call(lambda: done.append("too late"), never)
        return done

    assert asyncio.run(scenario()) == []


def test_the_handler_of_a_client_that_went_away_while_waiting_never_runs() -> None:
    async def scenario() -> list[str]:
        async with full_executor(queue_size=9, queue_timeout_s=A_LONG_WAIT_S) as (executor, done):
            with pytest.raises(ClientDisconnectedError):
                await executor.call(lambda: done.append("nobody"), lambda: asyncio.sleep(0))
        return done

    assert asyncio.run(scenario()) == []


def test_those_who_wait_are_let_in_in_the_order_in_which_they_came() -> None:
    async def scenario() -> list[str]:
        names = [f"{number}" for number in range(20)]
        async with full_executor(queue_size=20, queue_timeout_s=A_LONG_WAIT_S) as (executor, done):
            calls = [
                asyncio.ensure_future(executor.call(partial(done.append, name), never))
                for name in names
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert sorted(done, key=int) == names
        return done

    assert asyncio.run(scenario()) == [f"{number}" for number in range(20)]


def test_an_exception_of_a_handler_reaches_the_caller_and_frees_the_thread() -> None:
    def fail() -> None:
        message = "a bug"
        raise RuntimeError(message)

    async def scenario() -> object:
        executor = new_executor(ExecutorLimits(threads=1))
        with pytest.raises(RuntimeError, match="a bug"):
            await executor.call(fail, never)
        response = await executor.call(lambda: "fine", never)
        executor.close()
        return response

    assert asyncio.run(scenario()) == "fine"


def test_no_more_handlers_run_at_once_than_there_are_threads() -> None:
    async def scenario() -> int:
        executor = new_executor(ExecutorLimits(threads=3, queue_timeout_s=A_LONG_WAIT_S))
        inside, most = 0, 0
        lock, max_batch = threading.Lock(), threading.Barrier(3, timeout=TIMEOUT_S)

        def count() -> None:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            max_batch.wait()  # passes only when three are inside
            with lock:
                inside -= 1

        await asyncio.gather(*(executor.call(count, never) for _ in range(30)))
        executor.close()
        return most

    assert asyncio.run(scenario()) == 3
