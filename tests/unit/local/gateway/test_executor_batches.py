"""local/gateway/executor.py: a thread gets waiting requests as a batch."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

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
TIMEOUT_S = 30.0


async def never() -> None:
    await asyncio.Event().wait()


class SteppedExecutor:
    """An executor whose threads hold each batch until it is released."""

    def __init__(self, limits: ExecutorLimits) -> None:
        self.begun: SimpleQueue[list[str]] = SimpleQueue()
        self._released = threading.Semaphore(0)
        self._executor = LoadSheddingExecutor(asyncio.get_running_loop(), limits, self._work)
        self._calls: list[asyncio.Future[str]] = []
        self.close = self._executor.close

    def _work(self, requests: list[str]) -> Iterator[tuple[int, str]]:
        self.begun.put(requests)
        assert self._released.acquire(timeout=TIMEOUT_S)
        for index, request in enumerate(requests):
            yield index, request.upper()

    def submit(
        self, requests: str, disconnected: Callable[[], Awaitable[None]] = never
    ) -> list[asyncio.Future[str]]:
        """Submit one request for each letter, all within one turn of the loop."""
        calls: list[asyncio.Future[str]] = [
            asyncio.ensure_future(self._executor.call(one, disconnected)) for one in requests
        ]
        self._calls += calls
        return calls

    async def next_batch(self) -> str:
        """Return the requests of the next batch that starts."""
        return "".join(await asyncio.to_thread(self.begun.get, timeout=TIMEOUT_S))

    def release(self, batches: int = 1) -> None:
        self._released.release(batches)

    async def responses(self) -> list[str | BaseException]:
        return await asyncio.gather(*self._calls, return_exceptions=True)


@asynccontextmanager
async def busy_executor(*, threads: int, max_batch: int) -> AsyncIterator[SteppedExecutor]:
    """An executor with MAX_BATCHES_IN_FLIGHT batches in flight: "a", "b"."""
    limits = ExecutorLimits(threads=threads, max_batch=max_batch, queue_timeout_s=A_LONG_WAIT_S)
    executor = SteppedExecutor(limits)
    for letter in "ab"[:MAX_BATCHES_IN_FLIGHT]:
        executor.submit(letter)
        assert await executor.next_batch() == letter
    yield executor
    executor.release(100)
    await executor.responses()
    executor.close()


def test_what_waits_goes_to_the_next_thread_as_one_group_in_order_and_no_larger_than_it_may() -> (
    None
):
    async def scenario() -> list[str]:
        async with busy_executor(threads=MAX_BATCHES_IN_FLIGHT, max_batch=3) as executor:
            calls = executor.submit("cdefg")
            executor.release()
            first = await executor.next_batch()
            executor.release()
            second = await executor.next_batch()
            executor.release(2)
            assert [await call for call in calls] == ["C", "D", "E", "F", "G"]
        return [first, second]

    assert asyncio.run(scenario()) == ["cde", "fg"]


def test_while_enough_groups_are_at_work_the_others_gather_although_threads_are_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> str:
        async with busy_executor(threads=8, max_batch=64) as executor:
            executor.submit("c")
            await asyncio.sleep(0)
            executor.submit("d")
            executor.release()
            return await executor.next_batch()

    assert asyncio.run(scenario()) == "cd"


def test_while_one_group_is_at_work_the_next_waits_until_it_is_as_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        limits = ExecutorLimits(threads=8, max_batch=64, queue_timeout_s=A_LONG_WAIT_S)
        executor = SteppedExecutor(limits)
        executor.submit("abc")
        begun = [await executor.next_batch()]
        executor.submit("d")
        executor.submit("e")
        await asyncio.sleep(0)
        assert executor.begun.empty()
        executor.submit("f")
        begun.append(await executor.next_batch())
        executor.release(2)
        await executor.responses()
        executor.close()
        return begun

    assert asyncio.run(scenario()) == ["abc", "def"]


def test_a_smaller_group_begins_when_the_one_at_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> str:
        limits = ExecutorLimits(threads=8, max_batch=64, queue_timeout_s=A_LONG_WAIT_S)
        executor = SteppedExecutor(limits)
        executor.submit("abc")
        await executor.next_batch()
        executor.submit("d")
        executor.release()
        begun = await executor.next_batch()
        executor.release()
        await executor.responses()
        executor.close()
        return begun

    assert asyncio.run(scenario()) == "d"


def test_with_none_at_work_a_group_that_stays_smaller_than_the_last_begins_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        limits = ExecutorLimits(threads=8, max_batch=64, queue_timeout_s=A_LONG_WAIT_S)
        executor = SteppedExecutor(limits)
        executor.release(3)
        executor.submit("abc")
        await executor.responses()
        for letter in "de":
            executor.submit(letter)
            await executor.responses()
        executor.close()
        return [await executor.next_batch() for _ in range(3)]

    assert asyncio.run(scenario()) == ["abc", "d", "e"]


def test_a_group_that_is_full_begins_on_a_free_thread_however_many_are_at_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", A_LONG_WAIT_S)

    async def scenario() -> list[str]:
        async with busy_executor(threads=8, max_batch=2) as executor:
            executor.submit("cdefg")
            return sorted([await executor.next_batch(), await executor.next_batch()])

    assert asyncio.run(scenario()) == ["cd", "ef"]


def test_a_request_that_has_waited_gets_a_free_thread_although_others_are_held_up() -> None:
    async def scenario() -> list[str]:
        async with busy_executor(threads=4, max_batch=64) as executor:
            begun = []
            for letter in "cd":  # no batch is released
                executor.submit(letter)
                begun.append(await executor.next_batch())
        return begun

    assert asyncio.run(scenario()) == ["c", "d"]


def test_clients_that_went_away_while_waiting_are_left_out_of_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.gateway.executor.POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr("local.gateway.executor.WATCHED_AFTER_S", 0.0)

    async def scenario() -> str:
        async with busy_executor(threads=MAX_BATCHES_IN_FLIGHT, max_batch=64) as executor:
            executor.submit("c")
            [disconnected] = executor.submit("d", disconnected=lambda: asyncio.sleep(0))
            executor.submit("e")
            with pytest.raises(ClientDisconnectedError):
                await disconnected
            executor.release()
            return await executor.next_batch()

    assert asyncio.run(scenario()) == "ce"


def test_a_response_reaches_its_caller_before_the_batch_ends_and_frees_the_thread() -> None:
    heard = threading.Event()

    def work(requests: list[str]) -> Iterator[tuple[int, str]]:
        if len(requests) > 1:
            yield 1, "early"
        assert heard.wait(TIMEOUT_S)
        yield 0, "late"

    async def scenario() -> list[str]:
        limits = ExecutorLimits(threads=1, max_batch=2, queue_size=1, queue_timeout_s=A_LONG_WAIT_S)
        executor = LoadSheddingExecutor(asyncio.get_running_loop(), limits, work)
        late, early = (asyncio.ensure_future(executor.call(one, never)) for one in ("a", "b"))
        responses = [await early]
        waits = asyncio.ensure_future(executor.call("c", never))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await executor.call("d", never)
        assert not late.done()
        heard.set()
        responses += [await late, await waits]
        executor.close()
        return responses

    assert asyncio.run(scenario()) == ["early", "late", "late"]


@pytest.mark.parametrize(("fails", "expected"), [(True, "a bug"), (False, "no response")])
def test_an_error_reaches_all_requests_without_a_response_and_frees_the_thread(
    fails: bool,  # noqa: FBT001 - a parameter of a test
    expected: str,
) -> None:
    def work(requests: list[str]) -> Iterator[tuple[int, str]]:
        yield 0, requests[0]
        if fails and len(requests) > 1:
            message = "a bug"
            raise ValueError(message)

    async def scenario() -> list[str | BaseException]:
        limits = ExecutorLimits(threads=1, max_batch=3)
        executor = LoadSheddingExecutor(asyncio.get_running_loop(), limits, work)
        batch = (executor.call(one, never) for one in "abc")
        responses = await asyncio.gather(*batch, return_exceptions=True)
        responses += [await executor.call("the next", never)]
        executor.close()
        return responses

    first, *errors, following = asyncio.run(scenario())
    assert (first, following) == ("a", "the next")
    assert [expected in str(error) for error in errors] == [True, True]
    assert all(isinstance(error, Exception) for error in errors)


def test_the_bound_of_the_queue_holds_for_all_who_come_within_one_turn_of_the_loop() -> None:
    async def scenario() -> list[str | BaseException]:
        executor = SteppedExecutor(
            ExecutorLimits(threads=1, queue_size=3, queue_timeout_s=A_LONG_WAIT_S, max_batch=2)
        )
        executor.submit("abcdefg")  # two for the thread, three may wait
        executor.release(100)
        responses = await executor.responses()
        executor.close()
        return responses

    responses = asyncio.run(scenario())
    assert responses[:5] == ["A", "B", "C", "D", "E"]
    assert [type(response) for response in responses[5:]] == [OverloadedError] * 2
