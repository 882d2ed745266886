"""An executor of the gateway whose batches begin and end when a test says so."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from local.gateway.executor import MAX_BATCHES_IN_FLIGHT, ExecutorLimits, LoadSheddingExecutor

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
async def stepped_executor(*, threads: int, max_batch: int) -> AsyncIterator[SteppedExecutor]:
    """An executor without work; at the end all its batches are released."""
    limits = ExecutorLimits(threads=threads, max_batch=max_batch, queue_timeout_s=A_LONG_WAIT_S)
    executor = SteppedExecutor(limits)
    yield executor
    executor.release(100)
    await executor.responses()
    executor.close()


@asynccontextmanager
async def busy_executor(*, threads: int, max_batch: int) -> AsyncIterator[SteppedExecutor]:
    """An executor with MAX_BATCHES_IN_FLIGHT batches in flight: "a", "b"."""
    async with stepped_executor(threads=threads, max_batch=max_batch) as executor:
        for letter in "ab"[:MAX_BATCHES_IN_FLIGHT]:
            executor.submit(letter)
            assert await executor.next_batch() == letter
        yield executor
