"""The engine's side of `tests.faults.template`: starts programs fast, and always ends them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from local.harness.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# A killed process ends within milliseconds, unless the machine is very busy.
END_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.01
STOP_S = 5.0


class LauncherError(Exception):
    """The process that starts the programs has ended."""


class Launcher:
    """One template process; every program that it starts ends with it."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self._lock = Lock()
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.template"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=dict(environment),
                start_new_session=True,
            )

    def start(
        self,
        role: str,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
    ) -> int:
        """Start a program; return its process id, which is also its group's."""
        command = {
            "role": role,
            "module": module,
            "arguments": list(arguments),
            "environment": dict(environment),
            "log": str(log),
        }
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(command) + "\n")
                self._process.stdin.flush()
                return int(self._process.stdout.readline())
            except (OSError, ValueError) as error:
                message = "the process that starts the programs has ended"
                raise LauncherError(message) from error

    def close(self) -> None:
        """End the template, and all programs that still run."""
        with self._lock:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def lives(pid: int) -> bool:
    """Tell whether a started process has not ended yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end(pid: int) -> None:
    """End a group of processes by SIGKILL; return once its first process has ended."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + END_TIMEOUT_S
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL_S)
