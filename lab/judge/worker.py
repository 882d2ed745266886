"""A process of a stage: app server, consumer or clock. The judge commands it by a pipe."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import servers
from lab.judge.delivery import Delivery
from lab.judge.journal import Journal
from lab.judge.presses import Button
from lab.judge.recorder import Recorder
from lab.judge.stage_file import MistakeError, load, of_exception, of_hanging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection

    from lab.judge.stage_file import Mistake

STOP_CHECK_S = 0.02
# To import a stage, and to call those of its functions that no fault concerns. The ninth migrates.
HANG_S = 20.0
OWN_FUNCTIONS = {"prepare", "warm_up"}
# What a stage must mention to use a server.
MENTIONS = {"redis": {"Redis"}, "producer": {"Kafka"}, "from handlers": {"Redis", "Kafka"}}


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a process writes its journal, and what it prints."""

    journal: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class Order:
    """What a process needs to become a worker."""

    stage: str  # the path of its file
    actor: str  # "app 1", "consumer", "clock"
    environment: Mapping[str, str]
    folders: Folders
    distance_s: float


@dataclass(frozen=True, slots=True)
class Traits:
    """What the judge has to know about a stage."""

    tables: list[str] | None  # statements that create them; None: `prepare` does that
    has_clock: bool
    uses: set[str]  # the servers that a fault may strike


class Worker:
    """Answers the judge's commands: each is a method of this class."""

    def __init__(self, order: Order) -> None:
        os.environ.update(order.environment)
        path = Path(order.stage)
        self._journal = Journal(order.folders.journal, order.actor)
        recorder = Recorder(self._journal, order.distance_s)
        recorder.install()
        self._module = load(path)
        self._source = path.read_text(encoding="utf-8")
        if "from handlers" in self._source:
            recorder.install_on_handlers()
        parts = (self._module, path, recorder, self._journal)
        self._button, self._delivery = Button(*parts), Delivery(*parts)
        self._stopping, self._thread = threading.Event(), threading.Thread()

    def warm_up(self) -> None:
        """Build the clients before the first press: a real app server has run for days."""
        servers.warm_up(with_producer=hasattr(self._module, "producer"))
        getattr(self._module, "warm_up", lambda: None)()

    def traits(self) -> Traits:
        """Return what the judge has to know about the stage."""
        return Traits(
            getattr(self._module, "TABLES", None),
            has_clock=hasattr(self._module, "every_second"),
            uses=set().union(*(used for word, used in MENTIONS.items() if word in self._source)),
        )

    def prepare(self) -> None:
        """Let the stage set up its own tables, where it does not just name them."""
        self._module.prepare()

    def press_all(self, user_ids: list[str], start_at_s: float, spacing_s: float) -> Any:
        """Return the presses."""
        return self._button.press_all(user_ids, start_at_s, spacing_s)

    def press_killed(self, user_id: str, kill_after: int) -> Any:
        """Return the press of one person, if it needs fewer calls than that."""
        return self._button.press(user_id, time.monotonic(), kill_after)

    def deliver(self, begin: dict[int, int], kill_after: int) -> None:
        """Begin to deliver, until `stop`."""
        bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        self._begin(
            lambda: self._delivery.run(
                bootstrap, servers.TOPIC, begin, self._stopping.is_set, kill_after
            )
        )

    def tick(self) -> None:
        """Begin to call every_second, until `stop`."""
        self._begin(lambda: self._delivery.tick(self._stopping.is_set))

    def stop(self) -> None:
        """End what was begun; raise MistakeError when the stage's code was at fault."""
        self._stopping.set()
        while self._thread.is_alive() and not self._delivery.mistake:
            self._thread.join(STOP_CHECK_S)
        if self._delivery.mistake:
            raise MistakeError(self._delivery.mistake)

    def _begin(self, work: Any) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()


def log_of(order: Order) -> Path:
    """Return the path of what the process prints."""
    return order.folders.logs / f"{order.actor.replace(' ', '-')}.log"


def main(order: Order, pipe: Connection) -> None:
    """Serve the judge until the pipe closes, which also happens when the judge is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the judge's to handle
    log = os.open(log_of(order), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout, sys.stderr):  # the clients warn of each fault, a reader may print
        os.dup2(log, stream.fileno())
    path = Path(order.stage)
    try:
        with _watched(pipe, path):
            mistake, worker = _outcome(lambda: Worker(order), path)
        pipe.send((mistake, None))
        while worker:
            name, arguments = pipe.recv()
            command = partial(getattr(worker, name), *arguments)
            with _watched(pipe, path) if name in OWN_FUNCTIONS else nullcontext():
                outcome = _outcome(command, path)
            pipe.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the judge has gone, so there is no one to answer
    finally:
        os._exit(0)  # threads of the stage may hang, and a producer would wait for Kafka


def _outcome(command: Callable[[], Any], path: Path) -> tuple[Mistake | None, Any]:
    """Return what a command returns, or the mistake in the stage's file that ended it."""
    try:
        return None, command()
    except MistakeError as error:
        return error.mistake, None
    except Exception as error:
        mistake = of_exception(error, path)
        if not mistake.line:
            raise  # the stage is not to blame
        return mistake, None


@contextmanager
def _watched(pipe: Connection, path: Path) -> Iterator[None]:
    """Answer the judge when the block hangs in the stage's code, and end this process."""
    caller, done = threading.get_ident(), threading.Event()

    def watch() -> None:
        if not done.wait(HANG_S):
            pipe.send((of_hanging([caller], path, HANG_S), None))
            os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()
