"""The life cycle of a server process: start it, wait until it serves, always end it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from local.servers.ports import HOST, free_port, is_free
from local.servers.reaper import GATED_START, ProcessReaper
from local.servers.scoped import Scoped
from local.servers.signals import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

# How often a starting server is checked: much shorter than any start, and not a load.
READY_POLL_S = 0.02
# Enough of a log to see the reason, and short enough to read.
LOG_TAIL_LINES = 15
# A Unix socket's path has at most 104 bytes (macOS), so the directory above it stays short.
DIRECTORY_LENGTH_MAX = 60


class ServerError(Exception):
    """A server is not installed, its port is taken, or it did not start; the message says which."""


class Server(Scoped):
    """One server on 127.0.0.1 with a private data directory, which outlives restarts.

    As a context manager it runs inside the block; afterwards its process and data are removed.
    """

    name: str
    # Enough for a slow, busy machine; a start usually takes a small part of it.
    start_timeout_s: ClassVar[float] = 60.0
    # Time to write all data after SIGTERM; then SIGKILL.
    stop_timeout_s: ClassVar[float] = 20.0

    def __init__(self, port: int | None = None) -> None:
        """Use `port`, or a free one."""
        self.port = port or free_port()
        self._home: Path | None = None
        self._reaper: ProcessReaper | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"{HOST}:{self.port}"

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that clients use for this server."""

    @property
    def pid(self) -> int:
        """The number of the running process."""
        if self._process is None:
            message = f"{self.name} is not running"
            raise ServerError(message)
        return self._process.pid

    @property
    def home(self) -> Path:
        """The private directory: data, log and all other files of the server."""
        if self._home is None:
            message = f"{self.name} has not been started yet"
            raise ServerError(message)
        return self._home

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Raise ServerError, with the end of its log, when the process has ended by itself."""
        if not self.running:
            self._fail("has ended")

    def start(self) -> None:
        """Start, and return when the server serves; raise ServerError if it does not start."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start without waiting, so that several servers can start in parallel."""
        if self.running:
            return
        if not is_free(self.port):
            message = f"{self.name} cannot listen on {self.address}: the port is taken"
            raise ServerError(message)
        if self._home is None:
            self._create_home()
        self._spawn(self.command())

    def wait_until_ready(self) -> None:
        """Wait until the server replies in its own protocol; bounded by `start_timeout_s`."""
        deadline = time.monotonic() + self.start_timeout_s
        while not self.is_ready():
            if not self.running:
                self._fail("ended while starting")
            if time.monotonic() > deadline:
                self._fail(f"did not serve within {self.start_timeout_s:.0f} s")
            if self._process:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(READY_POLL_S)

    def stop(self) -> None:
        """End the process in order and keep its data; harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once, as a crash would, and keep its data."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Pause the process: its connections stay open, and it does not respond."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue a process that was paused; harmless when it was not."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """End the process and remove its directory."""
        self.kill()  # nothing that it still could write is kept
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None
        if self._reaper:
            self._reaper.release()
            self._reaper = None

    def prepare(self) -> None:
        """Write the files that the first start needs into `home`."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command line of the server."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether the server serves; checked once, in its own protocol."""

    def run_tool(self, command: Sequence[str]) -> None:
        """Run a program that prepares the data directory; raise ServerError when it fails."""
        process = self._spawn(command)
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.start_timeout_s)
        code = process.poll()
        self.kill()
        if code != 0:
            self._fail(f"could not be prepared: {Path(command[0]).name} ended with {code}")

    def _create_home(self) -> None:
        temporary = tempfile.gettempdir()
        if len(temporary) > DIRECTORY_LENGTH_MAX:
            temporary = "/tmp"  # noqa: S108 - the directory made in it is random and private
        with deferred_signals():
            self._reaper = ProcessReaper(temporary, "seonchak-")
            self._home = self._reaper.directory
            (self._home / "tmp").mkdir()
        try:
            self.prepare()
        except BaseException:
            self.remove()
            raise

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        if self._reaper is None:
            message = f"{self.name} has no directory to run in"
            raise ServerError(message)
        with deferred_signals(), (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*GATED_START, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches the programs, which still need their servers to
                # drain; the servers end after them, by stop(), or by the reaper.
                start_new_session=True,
                cwd=self.home,
                # A starting MariaDB removes the temporary tables of all others from a shared one.
                env={**os.environ, "TMPDIR": str(self.home / "tmp")},
            )
            self._reaper.attach_and_start(self._process)
        return self._process

    def _end(self, how: signal.Signals) -> None:
        """End the process with `how`, then the rest of its process group with SIGKILL."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # a paused one would not notice
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.stop_timeout_s)
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None
        if self._reaper:
            self._reaper.watch(None)

    def _fail(self, what: str) -> None:
        log = self.home / "server.log"
        lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        self.kill()
        message = "\n  ".join([f"{self.name} {what}; the end of its log:", *lines])
        raise ServerError(message)
