"""The processes of a stage, as the judge sees them."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any

from lab.judge.recorder import KILLED_EXIT_CODE
from lab.judge.stage_file import Mistake, MistakeError
from lab.judge.worker import Order, log_of, main
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.judge.worker import Folders

# A fork of a process that has imported the clients and has no thread: quick, and safe. The ninth
# stage imports the whole service: once is enough.
CONTEXT = multiprocessing.get_context("forkserver")
PRELOAD = ["lab.judge.worker", "lab.stages.stage9_seonchak"]
ANSWER_S_MAX = 30.0
END_S = 5.0


def import_clients() -> None:
    """Start the process that has imported all clients, of which the others are forks."""
    CONTEXT.set_forkserver_preload(PRELOAD)
    forkserver.ensure_running()


class ProcessGoneError(HarnessError):
    """The process ended before it answered."""

    def __init__(self, log: Path) -> None:
        super().__init__(f"a process ended; what it printed is in {log}")


class Member:
    """One process. Commands that need no answer at once are sent by `ask`, fetched by `answer`."""

    def __init__(self, order: Order) -> None:
        self._log = log_of(order)
        self._pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=main, args=(order, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._is_ready = False

    def ask(self, name: str, *arguments: Any) -> None:
        """Send a command."""
        if not self._is_ready:
            self.answer()  # to its start
            self._is_ready = True
        try:
            self._pipe.send((name, arguments))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ProcessGoneError(self._log) from error

    def answer(self) -> Any:
        """Return the answer to the last command; raise ProcessGoneError, MistakeError."""
        mistake, value = self._receive()
        if mistake:
            raise MistakeError(mistake)
        return value

    def call(self, name: str, *arguments: Any) -> Any:
        """Send a command and return the answer."""
        self.ask(name, *arguments)
        return self.answer()

    def was_killed(self, within_s: float) -> bool:
        """Wait so long for the end of the process; return whether it ended where it should."""
        self._process.join(within_s)
        return self._process.exitcode == KILLED_EXIT_CODE

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.join(END_S)
        with suppress(OSError):
            self._pipe.close()

    def _receive(self) -> Any:
        try:
            if not self._pipe.poll(ANSWER_S_MAX):
                raise MistakeError(Mistake("hang", 0, "", f"{ANSWER_S_MAX:g}"))
            return self._pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise ProcessGoneError(self._log) from error


class Team:
    """Starts processes of one stage, and ends all of them."""

    def __init__(
        self, stage: Path, environment: Mapping[str, str], folders: Folders, distance_s: float
    ) -> None:
        import_clients()
        self.stage, self._environment = stage, dict(environment)
        self._folders, self._distance_s = folders, distance_s
        self._members: list[Member] = []

    def start(self, actor: str) -> Member:
        """Start a process; it serves commands as soon as it has loaded the stage."""
        order = Order(str(self.stage), actor, self._environment, self._folders, self._distance_s)
        member = Member(order)
        self._members.append(member)
        return member

    def end(self) -> None:
        """Kill all processes."""
        for member in self._members:
            member.kill()
