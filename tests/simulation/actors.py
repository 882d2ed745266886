"""Programs that stop before each call to a server, until the test decides how that call ends.

Each runs in a thread, but only one thread runs at any time: an actor that stops hands over to the
test, and the test to the next. So the test sets the order of all steps, and a replay repeats it.
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

# A step takes milliseconds; a step that does not end is a deadlock, and this reports it.
STEP_S_MAX = 60.0


class Fate(StrEnum):
    """The outcome of one call to a server."""

    PROCEED = "proceed"
    TWICE = "twice"  # done, the reply lost, and done once more
    UNACKNOWLEDGED = "unacknowledged"  # done, the reply lost
    UNREACHABLE = "unreachable"  # not done
    LATE = "late"  # the caller gave up; a record may still reach the topic


class Killed(BaseException):
    """This program was killed: it stops here, and its transaction is not committed."""


@dataclass(slots=True)
class Actor:
    """A run of a program, paused before its next call."""

    name: str
    worker: Worker
    point: str = ""
    ended: bool = False
    failure: BaseException | None = None

    def go(self, fate: Fate | None) -> None:
        """Do the call and run to the next one, or to the end; None kills the actor."""
        self.worker.inbox.put(fate)
        self.await_stop()

    def await_stop(self) -> None:
        """Return once it pauses again or has ended; raise an error that no program may end with."""
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
        """Set the actor of the calling thread."""
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
        self._release_ended()
        return actor

    def go(self, actor: Actor, fate: Fate | None) -> None:
        """Let an actor take its step; None kills it."""
        self.steps += 1
        try:
            actor.go(fate)
        finally:
            self._release_ended()

    def kill_all(self) -> None:
        """Kill every running actor."""
        for actor in list(self.actors):
            while not actor.ended:
                self.go(actor, None)

    def close(self) -> None:
        """Kill all, and end the threads."""
        self.kill_all()
        for worker in self._workers:
            worker.inbox.put(None)
            worker.thread.join(STEP_S_MAX)

    def pause(self, point: str) -> Fate:
        """Stop the calling actor before a call; the test itself is never stopped."""
        actor: Actor | None = getattr(self._local, "actor", None)
        if actor is None:
            return Fate.PROCEED
        actor.worker.outbox.put(point)
        fate: Fate | None = actor.worker.inbox.get()
        if fate is None:
            raise Killed
        return fate

    def _release_ended(self) -> None:
        self._idle += [actor.worker for actor in self.actors if actor.ended]
        self.actors = [actor for actor in self.actors if not actor.ended]
