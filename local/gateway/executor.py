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
LOOK_S = 0.05
# Groups at work that are enough: while one waits for Redis or Kafka the next is made ready; of more
# each would be smaller. Whoever has waited for LOOK_S all the same gets any thread that is free.
GROUPS = 2
# Most waits end sooner, and watching a connection costs as much as a short handler.
WATCHED_AFTER_S = 0.5

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one process takes on."""

    threads: int = 16  # handlers at once
    queue: int = 1024  # requests that may wait
    wait_s: float = 2.0  # for how long
    together: int = 1  # requests that one thread may take as a group


class OverloadedError(Exception):
    """There are too many requests at the moment."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class _Job(Generic[Question, Answer]):
    """A request, from its arrival to its answer."""

    __slots__ = ("answer", "give_up_at", "gone", "question", "watch")

    def __init__(
        self, question: Question, gone: Callable[[], Awaitable[None]], give_up_at: float
    ) -> None:
        self.question = question
        self.gone = gone
        self.give_up_at = give_up_at
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.watch: asyncio.Task[None] | None = None

    async def fail_when_gone(self) -> None:
        await self.gone()
        self.fail(ClientGoneError())

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class WaitingRoom(Generic[Question, Answer]):
    """The queue of one process and the threads that it leads to."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bounds: Bounds,
        work: Callable[[list[Question]], Iterable[tuple[int, Answer]]],
    ) -> None:
        """Let threads do `work`.

        It takes as many questions as wait, up to `bounds.together`, and yields each one's place
        among them with its answer, in any order.
        """
        self._loop = loop
        self._bounds = bounds
        self._work = work
        self._free = bounds.threads
        self._waiting: deque[_Job[Question, Answer]] = deque()
        self._letting_in = False
        self._look: asyncio.TimerHandle | None = None
        self._started: SimpleQueue[list[_Job[Question, Answer]] | None] = SimpleQueue()
        # Answers on their way back; with the last one of its group the thread is free.
        self._finished: deque[tuple[_Job[Question, Answer], Answer | BaseException, bool]] = deque()
        self._collecting = False
        for number in range(bounds.threads):
            # Daemons: a handler that never ends must not keep the process from stopping.
            threading.Thread(target=self._serve, name=f"handler-{number}", daemon=True).start()

    async def call(self, question: Question, gone: Callable[[], Awaitable[None]]) -> Answer:
        """Let a thread answer, and return that, or raise its exception.

        Raises OverloadedError when there is no place in the queue, or a place but no free
        thread in time; ClientGoneError when `gone` returned while it was waiting. In both cases
        no thread ever sees the question.
        """
        places = self._bounds.queue + self._free * self._bounds.together
        if len(self._waiting) >= places:
            raise OverloadedError
        job = _Job[Question, Answer](question, gone, self._loop.time() + self._bounds.wait_s)
        self._waiting.append(job)
        if not self._letting_in:
            # Once for all that have arrived by now.
            self._letting_in = True
            self._loop.call_soon(self._let_in)
        try:
            return await job.answer
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
        self._look = None
        self._let_in()

    def _let_in(self) -> None:
        """Give free threads what waits."""
        self._letting_in = False
        while self._waiting and self._may_begin():
            group: list[_Job[Question, Answer]] = []
            while self._waiting and len(group) < self._bounds.together:
                job = self._waiting.popleft()
                if not job.answer.done():  # its client has not gone
                    group.append(job)
            if group:
                self._free -= 1
                self._started.put(group)
        if self._waiting:
            self._look = self._look or self._loop.call_later(LOOK_S, self._look_around)

    def _may_begin(self) -> bool:
        """Tell whether those who wait first should begin, or rather gather more of them."""
        if self._bounds.threads - self._free < GROUPS:
            return self._free > 0
        is_full = len(self._waiting) >= self._bounds.together
        came_at = self._waiting[0].give_up_at - self._bounds.wait_s
        return self._free > 0 and (is_full or self._loop.time() - came_at >= LOOK_S)

    def _serve(self) -> None:
        while (group := self._started.get()) is not None:
            unanswered = dict(enumerate(group))
            error: BaseException = RuntimeError("some were given no answer")
            try:
                for place, answer in self._work([job.question for job in group]):
                    self._finish(unanswered.pop(place), answer, is_last=not unanswered)
            except BaseException as raised:  # noqa: BLE001 - it belongs to whoever asked
                error = raised
            while unanswered:
                _, job = unanswered.popitem()
                self._finish(job, error, is_last=not unanswered)

    def _finish(
        self, job: _Job[Question, Answer], answer: Answer | BaseException, *, is_last: bool
    ) -> None:
        self._finished.append((job, answer, is_last))
        if not self._collecting:
            self._collecting = True
            with suppress(RuntimeError):  # the loop has ended before: nobody waits any more
                self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        """Hand out what is finished, and the threads that got free to who waited longest."""
        self._collecting = False  # first: what is finished from here on asks for another round
        while self._finished:
            job, answer, is_last = self._finished.popleft()
            self._free += is_last
            if isinstance(answer, BaseException):
                job.fail(answer)
            elif not job.answer.done():
                job.answer.set_result(answer)
        self._let_in()
