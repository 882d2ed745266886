"""local/gateway/executor.py: a thread gets waiting requests as a batch."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from local.gateway.executor import (
    MAX_BATCHES_IN_FLIGHT,
    ClientDisconnectedError,
    ExecutorLimits,
    LoadSheddingExecutor,
    OverloadedError,
)
from tests.support.stepped_executor import (
    A_LONG_WAIT_S,
    TIMEOUT_S,
    SteppedExecutor,
    busy_executor,
    never,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


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
