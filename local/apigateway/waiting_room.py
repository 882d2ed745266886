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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# How often waiting is looked at: what a wait may last beyond its bound, on an idle machine.
LOOK_S = 0.05
# Most waits end sooner, and watching a connection costs as much as a short handler.
WATCHED_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one process takes on."""

    threads: int = 16  # handlers at once
    queue: int = 1024  # requests that may wait
    wait_s: float = 2.0  # for how long


class OverloadedError(Exception):
    """There are too many requests at the moment."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class _Job:
    """A handler's call, from its arrival to its result."""

    __slots__ = ("give_up_at", "gone", "result", "watch", "work")

    def __init__(
        self, work: Callable[[], Any], gone: Callable[[], Awaitable[None]], give_up_at: float
    ) -> None:
        self.work = work
        self.gone = gone
        self.give_up_at = give_up_at
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.watch: asyncio.Task[None] | None = None

    async def fail_when_gone(self) -> None:
        await self.gone()
        self.fail(ClientGoneError())

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class WaitingRoom:
    """The queue of one process and the threads that it leads to."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bounds: Bounds) -> None:
        self._loop = loop
        self._bounds = bounds
        self._free = bounds.threads
        self._waiting: deque[_Job] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._started: SimpleQueue[_Job | None] = SimpleQueue()
        self._finished: deque[tuple[_Job, Any, BaseException | None]] = deque()
        self._collecting = False
        for number in range(bounds.threads):
            # Daemons: a handler that never ends must not keep the process from stopping.
            threading.Thread(target=self._work, name=f"handler-{number}", daemon=True).start()

    async def call(self, work: Callable[[], Any], gone: Callable[[], Awaitable[None]]) -> Any:
        """Run `work` in a thread and return its result, or raise its exception.

        Raises OverloadedError when there is no place in the queue, or a place but no free
        thread in time; ClientGoneError when `gone` returned while it was waiting. In both cases
        `work` is never run.
        """
        job = _Job(work, gone, self._loop.time() + self._bounds.wait_s)
        if self._free:
            self._free -= 1
            self._started.put(job)
        elif len(self._waiting) >= self._bounds.queue:
            raise OverloadedError
        else:
            self._waiting.append(job)
            self._look = self._look or self._loop.call_later(LOOK_S, self._look_around)
        try:
            return await job.result
        finally:
            if job.watch is not None:
                job.watch.cancel()

    def close(self) -> None:
        """Let the threads end, each after the work that it has."""
        for _ in range(self._bounds.threads):
            self._started.put(None)

    def _look_around(self) -> None:
        """Shed who waited too long, and watch over who has waited long and waits on."""
        now = self._loop.time()
        while self._waiting and self._waiting[0].give_up_at <= now:
            self._waiting.popleft().fail(OverloadedError())
        watched = now + self._bounds.wait_s - WATCHED_AFTER_S
        for job in takewhile(lambda job: job.give_up_at <= watched, self._waiting):
            if job.watch is None:
                job.watch = self._loop.create_task(job.fail_when_gone())
        self._look = self._loop.call_later(LOOK_S, self._look_around) if self._waiting else None

    def _work(self) -> None:
        while (job := self._started.get()) is not None:
            try:
                self._finished.append((job, job.work(), None))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                self._finished.append((job, None, error))
            if not self._collecting:
                self._collecting = True
                with suppress(RuntimeError):  # the loop has ended before: nobody waits any more
                    self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        """Hand out what is finished, and each thread that got free to who waited longest."""
        self._collecting = False  # first: what is finished from here on asks for another round
        while self._finished:
            job, result, error = self._finished.popleft()
            self._free += 1
            self._let_in()
            if job.result.done():
                continue
            if error is None:
                job.result.set_result(result)
            else:
                job.result.set_exception(error)

    def _let_in(self) -> None:
        while self._free and self._waiting:
            job = self._waiting.popleft()
            if not job.result.done():  # its client has not gone
                self._free -= 1
                self._started.put(job)
