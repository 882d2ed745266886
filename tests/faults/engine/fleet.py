"""The service's programs of one cluster: started, killed, and started again."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from tests.faults.engine.launcher import Launcher, end, lives

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SESSION_TIMEOUT_MS = 1500
LOG_LINES = 40
LOGS_SHOWN = 8

POLLER = (
    *("poller", "local.poll_runner.run", "--batch-window-ms", "30", "--batch-size", "10"),
    *("--session-timeout-ms", str(SESSION_TIMEOUT_MS)),
)
SCHEDULER = (
    *("scheduler", "local.scheduler"),
    *("--interval-s", "0.3", "--rebuild-interval-s", "0.2"),
)
ALWAYS = frozenset({"gateway", "poller-1", "poller-2", "scheduler"})


class Fleet:
    """Gateway, two consumers, a scheduler; sometimes a second scheduler."""

    def __init__(self, home: Path, environment: Mapping[str, str], port: int) -> None:
        self._home = home
        self.environment = dict(environment)
        self._launcher = Launcher(home / "template.log", environment)
        self._running: dict[str, int] = {}
        self.logs: list[Path] = []
        # The injector kills programs while the history restarts those that ended.
        self._lock = RLock()
        self._commands: dict[str, tuple[str, ...]] = {
            "gateway": ("gateway", "local.serve", "--port", str(port), "--threads", "4"),
            "poller-1": POLLER,
            "poller-2": POLLER,
            "scheduler": SCHEDULER,
            "scheduler-2": SCHEDULER,
        }
        self._wanted = set(ALWAYS)

    def start_missing(self) -> list[str]:
        """Start every wanted program that does not run; return their names."""
        with self._lock:
            missing = sorted(name for name in self._wanted if not self._lives(name))
            for name in missing:
                self.kill(name)
                log = self._home / f"{len(self.logs):04}-{name}.log"
                self.logs.append(log)
                role, module, *arguments = self._commands[name]
                pid = self._launcher.start(role, module, arguments, self.environment, log)
                self._running[name] = pid
            return missing

    def want(self, name: str, *, wanted: bool) -> None:
        """Set whether a program is to run; `start_missing` starts it."""
        with self._lock:
            if wanted:
                self._wanted.add(name)
            else:
                self._wanted.discard(name)
                self.kill(name)

    def kill(self, name: str) -> None:
        """End a program and its children by SIGKILL; harmless when it does not run."""
        with self._lock:
            pid = self._running.pop(name, None)
            if pid:
                end(pid)

    def kill_all(self) -> None:
        """End all programs; those started next get the environment of that time."""
        with self._lock:
            for name in list(self._running):
                self.kill(name)

    def log_tails(self) -> list[str]:
        """Return the last lines of every program that ran recently."""
        tails = []
        for log in self.logs[-LOGS_SHOWN:]:
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            tails += [f"--- {log.name}", *lines]
        return tails

    def close(self) -> None:
        """End all programs, and the launcher."""
        self.kill_all()
        self._launcher.close()

    def _lives(self, name: str) -> bool:
        pid = self._running.get(name)
        return pid is not None and lives(pid)
