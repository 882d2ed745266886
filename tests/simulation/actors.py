"""Programs that stop before each call to a server, until the test says how that call fares.

Each runs in a thread, but only one thread runs at any time: whoever stops hands over to the test,
and the test to the next. So the order of all steps is the test's, and the same again in a replay.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from handlers.domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

# A step takes milliseconds; one that does not end is a deadlock, and better named than awaited.
STEP_S_MAX = 60.0


class Fate(StrEnum):
    """How one call to a server fares."""

    PROCEED = "proceed"
    TWICE = "twice"  # done, the answer lost, and done once more
    UNHEARD = "unacknowledged"  # done, the answer lost
    UNREACHABLE = "unreachable"  # not done
    LATE = "late"  # given up by whoever asked; a record may yet reach the topic


class Killed(BaseException):
    """This program was killed: nothing of it runs on, no transaction is committed."""


@dataclass(slots=True)
class Actor:
    """A run of a program that stands before its next call."""

    name: str
    worker: Worker
    point: str = ""
    wakes_at: float = 0.0
    ended: bool = False
    failure: BaseException | None = None

    def go(self, fate: Fate | None) -> None:
        """Let the call happen and run on to the next one, or to the end; None kills it."""
        self.worker.inbox.put(fate)
        self.await_stop()

    def await_stop(self) -> None:
        """Return once it stands again or has ended; raise what no program may end with."""
        self.point = self.worker.outbox.get(timeout=STEP_S_MAX)
        self.ended = not self.point
        if self.failure and not isinstance(self.failure, (ServiceError, Killed)):
            raise self.failure


class Worker:
    """A thread that runs one actor after the other, and keeps its connections."""

    def __init__(self, stage: Stage) -> None:
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.outbox: SimpleQueue[str] = SimpleQueue()
        self._stage = stage
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while task := self.inbox.get():
            actor, work = task
            self._stage.enter(actor)
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - the test decides what may end a program
                actor.failure = error
            self.outbox.put("")
        self._stage.leave()


class Stage:
    """All actors of a history."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self.actors: list[Actor] = []
        self.steps = 0
        self.leave = leave  # called by each thread at its end
        self._local = threading.local()
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []

    def enter(self, actor: Actor) -> None:
        """Say which actor the calling thread is from now on."""
        self._local.actor = actor

    def start(self, name: str, work: Callable[[], object]) -> Actor:
        """Run `work` up to its first call to a server."""
        if not self._idle:
            self._idle.append(Worker(self))
            self._workers += self._idle
        worker = self._idle.pop()
        actor = Actor(name, worker)
        self.actors.append(actor)
        worker.inbox.put((actor, work))
        actor.await_stop()
        self._dismiss_ended()
        return actor

    def go(self, actor: Actor, fate: Fate | None) -> None:
        """Let an actor take its step; None kills it."""
        self.steps += 1
        try:
            actor.go(fate)
        finally:
            self._dismiss_ended()

    def kill_all(self) -> None:
        """Kill whoever still runs."""
        for actor in list(self.actors):
            while not actor.ended:
                self.go(actor, None)

    def close(self) -> None:
        """Kill all, and end the threads."""
        self.kill_all()
        for worker in self._workers:
            worker.inbox.put(None)
            worker.thread.join(STEP_S_MAX)

    def pause(self, point: str, wakes_at: float = 0.0) -> Fate:
        """Stop the calling actor before a call; the test itself is never stopped."""
        actor: Actor | None = getattr(self._local, "actor", None)
        if actor is None:
            return Fate.PROCEED
        actor.wakes_at = wakes_at
        actor.worker.outbox.put(point)
        fate: Fate | None = actor.worker.inbox.get()
        if fate is None:
            raise Killed
        return fate

    def _dismiss_ended(self) -> None:
        self._idle += [actor.worker for actor in self.actors if actor.ended]
        self.actors = [actor for actor in self.actors if not actor.ended]
