"""The service's programs of one world: started, killed, and started again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING

from local.demonstration.programs import DemoError, Program, Running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENTRY = "tests.faults.entry"
SESSION_TIMEOUT_MS = 1500
LOG_LINES = 40


class Fleet:
    """Gateway, two consumers, a scheduler; now and then a second scheduler."""

    def __init__(self, home: Path, environment: Mapping[str, str], port: int) -> None:
        self._home = home
        self._environment = environment
        self._running: dict[str, Running] = {}
        self._logs: list[Path] = []
        # The injector kills while the history starts again whatever has ended.
        self._lock = RLock()
        poller = (
            *("poller", "local.poll_runner", "--batch-window-ms", "30", "--batch-size", "10"),
            *("--session-timeout-ms", str(SESSION_TIMEOUT_MS)),
        )
        scheduler = (
            *("scheduler", "local.scheduler"),
            *("--interval-s", "0.3", "--rebuild-interval-s", "0.2"),
        )
        self._commands: dict[str, tuple[str, ...]] = {
            "gateway": ("gateway", "local.serve", "--port", str(port), "--threads", "4"),
            "poller-1": poller,
            "poller-2": poller,
            "scheduler": scheduler,
            "scheduler-2": scheduler,
        }
        self._wanted = {"gateway", "poller-1", "poller-2", "scheduler"}

    def start_missing(self) -> list[str]:
        """Start every wanted program that does not run; return their names."""
        with self._lock:
            missing = sorted(name for name in self._wanted if not self._lives(name))
            for name in missing:
                self.kill(name)
                log = self._home / f"{len(self._logs):04}-{name}.log"
                self._logs.append(log)
                program = Program(name, ENTRY, self._commands[name], log)
                self._running[name] = Running(program, self._environment)
            return missing

    def want(self, name: str, *, wanted: bool) -> None:
        """Say whether a program is to run; `start_missing` starts it."""
        with self._lock:
            if wanted:
                self._wanted.add(name)
            else:
                self._wanted.discard(name)
                self.kill(name)

    def kill(self, name: str) -> None:
        """End a program and its children by SIGKILL; harmless when it does not run."""
        with self._lock:
            running = self._running.pop(name, None)
            if running:
                running.wait_until_gone(0)

    def thaw(self, pid: int) -> None:
        """Let a stopped process go on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def log_tails(self) -> list[str]:
        """Return the last lines of every program that ran lately."""
        tails = []
        for log in self._logs[-8:]:
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            tails += [f"--- {log.name}", *lines]
        return tails

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for name in list(self._running):
                self.kill(name)

    def _lives(self, name: str) -> bool:
        running = self._running.get(name)
        if running is None:
            return False
        try:
            running.check()
        except DemoError:
            return False
        return True
