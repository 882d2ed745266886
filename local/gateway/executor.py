"""Runs a bounded number of handlers at once, with a bounded queue and a bounded wait before them.

Only the event loop's thread touches the queue, so it needs no lock. Handlers run in
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

# How often deadlines are checked: on an idle machine, a wait exceeds its limit by this at most.
POLL_INTERVAL_S = 0.05
# Two batches are enough: while one waits for Redis or Kafka, the next is prepared; with more, each
# would be smaller. A request that has waited for POLL_INTERVAL_S gets any free thread.
MAX_BATCHES_IN_FLIGHT = 2
# A batch waits until it is as large as the last one: those whom that one served come back together,
# and the first of them alone would cost as much as all. With no batch in flight, it waits so long
# at most; after a batch of one it does not wait at all.
GATHER_S = 0.001
# Most waits end sooner, and watching a connection costs as much as a short handler.
WATCHED_AFTER_S = 0.5

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class ExecutorLimits:
    """How many requests one process accepts."""

    threads: int = 16  # handlers at once
    queue_size: int = 1024  # requests that may wait
    queue_timeout_s: float = 2.0  # for how long
    max_batch: int = 1  # requests that one thread may take as a batch


class OverloadedError(Exception):
    """There are too many requests at the moment."""


class ClientDisconnectedError(Exception):
    """The client has closed its connection."""


class _Job(Generic[Request, Response]):
    """A request, from its arrival to its response."""

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
    """The queue of one process and the threads that serve it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: ExecutorLimits,
        work: Callable[[list[Request]], Iterable[tuple[int, Response]]],
    ) -> None:
        """Start threads that do `work`.

        `work` takes the requests of one batch, at most `limits.max_batch`, and yields the index of
        each request with its response, in any order.
        """
        self._loop = loop
        self._limits = limits
        self._work = work
        self._free = limits.threads
        self._waiting: deque[_Job[Request, Response]] = deque()
        self._dispatching = False
        self._latest_size = 1
        self._expiry: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._started: SimpleQueue[list[_Job[Request, Response]] | None] = SimpleQueue()
        # Responses on their way back; the last one of a batch (True) frees the thread.
        self._finished: deque[tuple[_Job[Request, Response], Response | BaseException, bool]] = (
            deque()
        )
        self._delivering = False
        for number in range(limits.threads):
            # Daemons: a handler that never ends must not keep the process from stopping.
            threading.Thread(target=self._serve, name=f"handler-{number}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread; any thread may ask."""
        return len(self._waiting)

    @property
    def busy(self) -> int:
        """How many threads have work; any thread may ask."""
        return self._limits.threads - self._free

    async def call(self, request: Request, disconnected: Callable[[], Awaitable[None]]) -> Response:
        """Return the response that a thread makes, or raise the thread's exception.

        Raises OverloadedError when the queue has no free slot, or no thread is free before the
        deadline; ClientDisconnectedError when `disconnected` returned during the wait. In
        both cases no thread sees the request.
        """
        slots = self._limits.queue_size + self._free * self._limits.max_batch
        if len(self._waiting) >= slots:
            raise OverloadedError
        deadline = self._loop.time() + self._limits.queue_timeout_s
        # Without the types: a generic alias that is called costs as much as the job itself.
        job: _Job[Request, Response] = _Job(request, disconnected, deadline)
        self._waiting.append(job)
        if not self._dispatching:
            # One call for all requests that have arrived by then.
            self._dispatching = True
            self._loop.call_soon(self._dispatch)
        try:
            return await job.response
        finally:
            if job.watch is not None:
                job.watch.cancel()

    def close(self) -> None:
        """Let the threads end, each after its current batch."""
        for _ in range(self._limits.threads):
            self._started.put(None)

    def _expire(self) -> None:
        """Shed requests that waited too long; watch the connections of those that wait long."""
        now = self._loop.time()
        while self._waiting and self._waiting[0].deadline <= now:
            self._waiting.popleft().fail(OverloadedError())
        watched = now + self._limits.queue_timeout_s - WATCHED_AFTER_S
        for job in takewhile(lambda job: job.deadline <= watched, self._waiting):
            if job.watch is None:
                job.watch = self._loop.create_task(job.fail_when_disconnected())
        self._expiry = None
        self._dispatch()

    def _dispatch(self) -> None:
        """Give waiting requests to free threads."""
        self._dispatching = False
        while self._waiting and self._should_dispatch():
            batch: list[_Job[Request, Response]] = []
            while self._waiting and len(batch) < self._limits.max_batch:
                job = self._waiting.popleft()
                if not job.response.done():  # its client is still connected
                    batch.append(job)
            if batch:
                self._latest_size = len(batch)
                self._free -= 1
                self._started.put(batch)
        if self._waiting:
            self._expiry = self._expiry or self._loop.call_later(POLL_INTERVAL_S, self._expire)
            if not self.busy:
                self._gathering = self._gathering or self._loop.call_later(GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        self._dispatch()

    def _should_dispatch(self) -> bool:
        """Return whether the next batch should start now, rather than gather more requests."""
        enough = self._latest_size if self.busy < MAX_BATCHES_IN_FLIGHT else self._limits.max_batch
        if len(self._waiting) >= enough:
            return self._free > 0
        arrived_at = self._waiting[0].deadline - self._limits.queue_timeout_s
        waits_s = POLL_INTERVAL_S if self.busy else GATHER_S
        return self._free > 0 and self._loop.time() - arrived_at >= waits_s

    def _serve(self) -> None:
        while (batch := self._started.get()) is not None:
            open_jobs = dict(enumerate(batch))
            error: BaseException = RuntimeError("some requests got no response")
            try:
                for index, response in self._work([job.request for job in batch]):
                    self._finish(open_jobs.pop(index), response, is_last=not open_jobs)
            except BaseException as raised:  # noqa: BLE001 - the caller of `call` gets it
                error = raised
            while open_jobs:
                _, job = open_jobs.popitem()
                self._finish(job, error, is_last=not open_jobs)

    def _finish(
        self, job: _Job[Request, Response], response: Response | BaseException, *, is_last: bool
    ) -> None:
        self._finished.append((job, response, is_last))
        if not self._delivering:
            self._delivering = True
            with suppress(RuntimeError):  # the loop has ended: no caller waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        """Deliver finished responses, and give the freed threads to the oldest requests."""
        self._delivering = False  # first: a job that finishes from here on schedules another call
        while self._finished:
            job, response, is_last = self._finished.popleft()
            self._free += is_last
            if isinstance(response, BaseException):
                job.fail(response)
            elif not job.response.done():
                job.response.set_result(response)
        self._dispatch()
