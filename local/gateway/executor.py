"""A bounded number of handlers at once, before them a bounded queue with a bounded wait.

Only the event loop's thread touches the queue, so there is nothing to lock. Handlers run in
threads that take their work from the loop and hand their results back to it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

# How often waiting is looked at: what a wait may last beyond its bound, on an idle machine.
POLL_INTERVAL_S = 0.05
# Groups at work that are enough: while one waits for Redis or Kafka the next is made ready; of more
# each would be smaller. A request that has waited for POLL_INTERVAL_S gets any free thread.
MAX_BATCHES_IN_FLIGHT = 2
# Most waits end sooner, and watching a connection costs as much as a short handler.
WATCHED_AFTER_S = 0.5

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class ExecutorLimits:
    """How much one process takes on."""

    threads: int = 16  # handlers at once
    queue_size: int = 1024  # requests that may wait
    queue_timeout_s: float = 2.0  # for how long
    max_batch: int = 1  # requests that one thread may take as a group


class OverloadedError(Exception):
    """There are too many requests at the moment."""


class ClientDisconnectedError(Exception):
    """Nobody waits for the answer any more."""


class _Job(Generic[Request, Response]):
    """A request, from its arrival to its answer."""

    __slots__ = ("deadline", "disconnected", "request", "response", "watch")

    def __init__(
        self, request: Request, disconnected: Callable[[], Awaitable[None]], deadline: float
    ) -> None:
        self.request = request
        self.disconnected = disconnected
        self.deadline = deadline
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.watch: asyncio.Task[None] | None = None

    async def fail_when_disconnected(self) -> None:
        await self.disconnected()
        self.fail(ClientDisconnectedError())

    def fail(self, error: BaseException) -> None:
        if not self.response.done():
            self.response.set_exception(error)


class LoadSheddingExecutor(Generic[Request, Response]):
    """The queue of one process and the threads that it leads to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bounds: ExecutorLimits,
        work: Callable[[list[Request]], Iterable[tuple[int, Response]]],
    ) -> None:
        """Let threads do `work`.

        It takes as many questions as wait, up to `bounds.together`, and yields each one's place
        among them with its answer, in any order.
        """
        self._loop = loop
        self._bounds = bounds
        self._work = work
        self._free = bounds.threads
        self._waiting: deque[_Job[Request, Response]] = deque()
        self._dispatching = False
        self._expiry: asyncio.TimerHandle | None = None
        self._started: SimpleQueue[list[_Job[Request, Response]] | None] = SimpleQueue()
        # Answers on their way back; with the last one of its group the thread is free.
        self._finished: deque[tuple[_Job[Request, Response], Response | BaseException, bool]] = (
            deque()
        )
        self._delivering = False
        for number in range(bounds.threads):
            # Daemons: a handler that never ends must not keep the process from stopping.
            threading.Thread(target=self._serve, name=f"handler-{number}", daemon=True).start()

    async def call(self, request: Request, disconnected: Callable[[], Awaitable[None]]) -> Response:
        """Let a thread answer, and return that, or raise its exception.

        Raises OverloadedError when there is no place in the queue, or a place but no free
        thread in time; ClientDisconnectedError when `disconnected` returned during the wait. In
        both cases no thread sees the request.
        """
        places = self._bounds.queue_size + self._free * self._bounds.max_batch
        if len(self._waiting) >= places:
            raise OverloadedError
        job = _Job[Request, Response](
            request, disconnected, self._loop.time() + self._bounds.queue_timeout_s
        )
        self._waiting.append(job)
        if not self._dispatching:
            # Once for all that have arrived by now.
            self._dispatching = True
            self._loop.call_soon(self._dispatch)
        try:
            return await job.response
        finally:
            if job.watch is not None:
                job.watch.cancel()

    def close(self) -> None:
        """Let the threads end, each after the work that it has."""
        for _ in range(self._bounds.threads):
            self._started.put(None)

    def _expire(self) -> None:
        """Shed who waited too long, and watch over who has waited long and waits on."""
        now = self._loop.time()
        while self._waiting and self._waiting[0].deadline <= now:
            self._waiting.popleft().fail(OverloadedError())
        watched = now + self._bounds.queue_timeout_s - WATCHED_AFTER_S
        for job in takewhile(lambda job: job.deadline <= watched, self._waiting):
            if job.watch is None:
                job.watch = self._loop.create_task(job.fail_when_disconnected())
        self._expiry = None
        self._dispatch()

    def _dispatch(self) -> None:
        """Give free threads what waits."""
        self._dispatching = False
        while self._waiting and self._should_dispatch():
            batch: list[_Job[Request, Response]] = []
            while self._waiting and len(batch) < self._bounds.max_batch:
                job = self._waiting.popleft()
                if not job.response.done():  # its client has not gone
                    batch.append(job)
            if batch:
                self._free -= 1
                self._started.put(batch)
        if self._waiting:
            self._expiry = self._expiry or self._loop.call_later(POLL_INTERVAL_S, self._expire)

    def _should_dispatch(self) -> bool:
        """Tell whether those who wait first should begin, or rather gather more of them."""
        if self._bounds.threads - self._free < MAX_BATCHES_IN_FLIGHT:
            return self._free > 0
        is_full = len(self._waiting) >= self._bounds.max_batch
        came_at = self._waiting[0].deadline - self._bounds.queue_timeout_s
        return self._free > 0 and (is_full or self._loop.time() - came_at >= POLL_INTERVAL_S)

    def _serve(self) -> None:
        while (batch := self._started.get()) is not None:
            unanswered = dict(enumerate(batch))
            error: BaseException = RuntimeError("some were given no answer")
            try:
                for index, response in self._work([job.request for job in batch]):
                    self._finish(unanswered.pop(index), response, is_last=not unanswered)
            except BaseException as raised:  # noqa: BLE001 - it belongs to whoever asked
                error = raised
            while unanswered:
                _, job = unanswered.popitem()
                self._finish(job, error, is_last=not unanswered)

    def _finish(
        self, job: _Job[Request, Response], response: Response | BaseException, *, is_last: bool
    ) -> None:
        self._finished.append((job, response, is_last))
        if not self._delivering:
            self._delivering = True
            with suppress(RuntimeError):  # the loop has ended before: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        """Hand out what is finished, and the threads that got free to who waited longest."""
        self._delivering = False  # first: what is finished from here on asks for another round
        while self._finished:
            job, response, is_last = self._finished.popleft()
            self._free += is_last
            if isinstance(response, BaseException):
                job.fail(response)
            elif not job.response.done():
                job.response.set_result(response)
        self._dispatch()
