"""The actions of the playground on real code: each program runs up to its next call of a server."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pymysql

from handlers.domain.errors import ServiceError
from tests.lab.playground.topic import ACK, Item, Topic
from tests.simulation.actors import Fate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.actors import Actor, Stage

PEOPLE = ("minji", "seojun", "yuna", "doyun")
RUNNING_MAX = 5
START_S = 1000
ERRORS = (ServiceError, pymysql.Error)


@dataclass(eq=False, slots=True)
class Program:
    """One run of a program, paused before a call."""

    name: str
    actor: Actor | None = None
    sent: list[Item] = field(default_factory=list)

    @property
    def point(self) -> str:
        """The call before which it is paused: the server and the rest."""
        assert self.actor
        return self.actor.point


class Theatre(ABC):
    """The world of one schedule. A subclass has the servers and the programs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._here = threading.local()
        self.now = START_S
        self.locked = False
        self.topic = Topic(self)
        self.running: list[Program] = []
        self.answers: list[tuple[str, str]] = []

    @property
    def program(self) -> Program:
        """The program of the calling thread."""
        found: Program = self._here.program
        return found

    def pause(self, point: str) -> Fate:
        """Stop the calling program before a call."""
        return self._stage.pause(point)

    def act(self, action: str) -> None:
        """Do one action; one that is not possible now changes nothing."""
        number = int(action[1:])
        {
            "a": self._apply,
            "s": lambda n: self._step(n, Fate.PROCEED),
            "f": self._finish,
            "x": self._crash,
            "l": lambda n: self._step(n, Fate.UNREACHABLE),
            "u": lambda n: self._step(n, Fate.UNACKNOWLEDGED),
            "z": lambda n: self._step(n, Fate.LATE),
            "w": self.topic.arrive,
            "d": self.topic.drop,
            "c": lambda _: self._start_once("consumer", self.consume),
            "g": lambda _: self._again(),
            "e": lambda _: self._start_once("clock", self.every_second),
            "b": lambda _: self._start_once("rebuild", self.rebuild),
            "t": lambda _: self._second(),
            "r": lambda _: self.restart_redis(),
            "m": lambda _: self._lock(),
        }[action[0]](number)

    def snapshot(self) -> list[Any]:
        """Return the same as `World.snapshot` in protocol.js."""
        return [
            self.now,
            self.locked,
            self.redis_state(),
            self.topic.state(),
            self.mysql_state(),
            [[program.name, program.point.split()[0]] for program in self.running],
            self.answers,
            self.written(),
        ]

    def end(self) -> None:
        """Kill what still runs."""
        while self.running:
            self._crash(0)

    # ---- what a stage has --------------------------------------------------------------------

    @abstractmethod
    def apply(self, user: str) -> str: ...
    @abstractmethod
    def deliver(self, values: list[bytes], first: int) -> None: ...
    @property
    @abstractmethod
    def every_second(self) -> Callable[[], object] | None: ...
    @property
    @abstractmethod
    def rebuild(self) -> Callable[[], object] | None: ...
    @property
    @abstractmethod
    def has_consumer(self) -> bool: ...
    @abstractmethod
    def restart_redis(self) -> None: ...
    @abstractmethod
    def copy_redis(self) -> None: ...
    @abstractmethod
    def redis_state(self) -> list[Any]: ...
    @abstractmethod
    def mysql_state(self) -> list[Any]: ...

    def written(self) -> list[str]:
        """Return the commands with which the last script has changed something, sorted."""
        return []

    def waits(self, program: Program) -> bool:
        """Return whether the program's next call has to wait for a lock."""
        assert program
        return False

    def is_stop(self, point: str) -> bool:
        """Return whether the playground shows this call as a step of its own."""
        return bool(point)

    # ---- actions -----------------------------------------------------------------------------

    def _apply(self, number: int) -> None:
        user = PEOPLE[number % len(PEOPLE)]

        def work() -> None:
            try:
                answer = self.apply(user)
            except ERRORS:
                answer = "error"
            self.answers.append((user, answer))

        self._start(f"apply {user}", work)

    @property
    def consume(self) -> Callable[[], object] | None:
        return self._consume if self.has_consumer else None

    def _consume(self) -> None:
        self.pause("Kafka poll")
        values, first = self.topic.poll()
        if values:
            self.deliver(values, first)
            self.pause("Kafka commit offset")
            self.topic.committed = first + len(values)

    def _start_once(self, name: str, work: Callable[[], object] | None) -> None:
        if work and not self._is_running(name):
            self._start(name, work)

    def _is_running(self, name: str) -> bool:
        return any(program.name == name for program in self.running)

    def _start(self, name: str, work: Callable[[], object]) -> None:
        if len(self.running) == RUNNING_MAX:
            return
        program = Program(name)

        def run() -> None:
            self._here.program = program
            with suppress(*ERRORS):  # a program that fails has ended; its batch comes again
                work()

        program.actor = self._stage.start(name, run)
        self.running.append(program)
        self._run_to_stop(program)

    def _step(self, number: int, fate: Fate) -> None:
        if not self.running:
            return
        program = self.running[number % len(self.running)]
        if self.waits(program) or (fate is not Fate.PROCEED and program.point != ACK):
            return
        assert program.actor
        self._stage.go(program.actor, fate)
        self._run_to_stop(program)

    def _finish(self, number: int) -> None:
        if self.running:
            program = self.running[number % len(self.running)]
            while program in self.running and not self.waits(program):
                self._step(self.running.index(program), Fate.PROCEED)

    def _run_to_stop(self, program: Program) -> None:
        actor = program.actor
        assert actor
        while not actor.ended and not self.is_stop(actor.point):
            self._stage.go(actor, Fate.PROCEED)
        if actor.ended:
            self.running.remove(program)

    def _crash(self, number: int) -> None:
        if self.running:
            program = self.running.pop(number % len(self.running))
            assert program.actor
            self.topic.forget(program.sent)
            self._stage.go(program.actor, None)

    def _again(self) -> None:
        if not self._is_running("consumer"):
            self.topic.committed = self.topic.polled

    def _second(self) -> None:
        self.now += 1
        self.copy_redis()

    def _lock(self) -> None:
        self.locked = not self.locked
