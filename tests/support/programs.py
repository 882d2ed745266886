"""Programs of this repository, run for real by a test and always ended after it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests.support.paths import ROOT
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Program:
    """A running `python -m …`, with the lines of its stdout and stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out = _Lines(process.stdout)
        self.err = _Lines(process.stderr)

    @property
    def children(self) -> list[int]:
        """The process ids of its child processes (Linux)."""
        pid = self.process.pid
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(WAIT_S)
        self.out.finish()
        self.err.finish()
        return code


class _Lines:
    """Lines of a pipe as they come; `seen` keeps them all."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self.seen: list[str] = []
        self._pipe = pipe
        self._coming: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, wanted: Callable[[str], object]) -> str:
        """Return the next line that is wanted; fail when none comes in time."""
        deadline = time.monotonic() + WAIT_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._coming.get(timeout=left)
            except queue.Empty:
                break
            if wanted(line):
                return line
        shown = "\n".join(self.seen)
        message = f"the line did not come; these did:\n{shown}"
        raise AssertionError(message)

    def finish(self) -> None:
        """Read to the end."""
        self._reader.join(WAIT_S)

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self.seen.append(line.rstrip("\n"))
                self._coming.put(line.rstrip("\n"))


@contextmanager
def running(module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[Program]:
    """Run `python -m module`; at the end of the block kill it if it still runs."""
    with running_command(sys.executable, "-m", module, *arguments, environment=environment) as it:
        yield it


@contextmanager
def running_with(
    module: str, constants: Mapping[str, float], *arguments: str, environment: Mapping[str, str]
) -> Iterator[Program]:
    """Run it with other constants, by place: {"local.serve.IDLE_TIMEOUT_S": 1}."""
    changed = [f"{place}={number}" for place, number in constants.items()]
    words = (module, *changed, "--", *arguments)
    with running("tests.support.other_constants", *words, environment=environment) as it:
        yield it


@contextmanager
def running_command(*command: str, environment: Mapping[str, str]) -> Iterator[Program]:
    """Run any command in the same way."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    program = Program(process)
    try:
        yield program
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        program.wait()


def is_alive(pid: int) -> bool:
    """Tell whether a process lives; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
