"""The programs of a run, such as gateway and poll runners: processes that never outlive it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.reaper import GATED_START, ProcessReaper
from local.servers.signals import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
# A poll runner finishes its batch, a gateway its requests, which takes well under a second. A
# runner that is joining its group takes longer; after Ctrl-C the operator should not wait for it.
STOP_TIMEOUT_S = 5.0
LOG_TAIL_LINES = 10


class HarnessError(Exception):
    """The run cannot be done; the message says why, and is enough for the operator."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `python -m module arguments`, and where its output goes."""

    name: str
    module: str
    arguments: tuple[str, ...]
    log: Path
    python: str = sys.executable


class Running:
    """A started program."""

    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        self.program = program
        command = [*GATED_START, program.python, "-m", program.module, *program.arguments]
        with program.log.open("wb") as log:
            # The reaper ends the program even when this process itself is killed.
            self._reaper = ProcessReaper(tempfile.gettempdir(), "seonchak-demo-")
            self._home = self._reaper.directory
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Only this process gets Ctrl-C; it then stops these programs in order.
                start_new_session=True,
                cwd=ROOT,
                env={**environment, "TMPDIR": str(self._home)},
            )
            self._reaper.attach_and_start(self._process)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise HarnessError, with the end of its log, when the program has ended."""
        code = self.exit_code
        if code is not None:
            log = self.program.log
            lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            about = f"{self.program.name} ended with exit code {code}; the end of {log}:"
            raise HarnessError("\n  ".join([about, *lines]))

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def wait_until_gone(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for the end; then kill the program and all its children."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, timeout_s))
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reaper.watch(None)
        self._reaper.release()
        shutil.rmtree(self._home, ignore_errors=True)


@contextmanager
def running(
    programs: Sequence[Program], environment: Mapping[str, str]
) -> Iterator[Sequence[Running]]:
    """Run all programs inside the block."""
    started: list[Running] = []
    try:
        for program in programs:
            with deferred_signals():
                started.append(Running(program, environment))
        yield started
    finally:
        for each in started:
            each.ask_to_stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for each in started:
            each.wait_until_gone(deadline - time.monotonic())
