"""Cleans up after a program that was killed: its server and directory never outlive it."""

from __future__ import annotations

import secrets
import subprocess
from contextlib import suppress
from pathlib import Path

# Reads from a pipe that only the guarded program holds. When that program ends, even by kill -9,
# the pipe closes: then the script kills the last process group named and removes the directory.
# A process that is killed still ends the call that it is in, which may make one more file: then
# rm finds a directory that is not empty, and tries again.
SCRIPT = """
running=none
while read -r word; do
    [ "$word" = release ] && exit 0
    running=$word
done
[ "$running" = none ] || kill -s KILL -- "-$running" 2>/dev/null
tries=0
until rm -rf -- "$1" || [ "$((tries += 1))" -ge 100 ]; do
    sleep 0.1
done
"""
# Runs the program after it reads a line, which the parent sends when the reaper knows the process.
# If the parent is killed before that, the line never comes, and the process ends.
GATED_START = ("/bin/sh", "-c", 'read -r line && exec "$@"', "program")
# The shell only has to leave its loop.
RELEASE_TIMEOUT_S = 5.0


class ProcessReaper:
    """Guards one directory, which it makes, and the one process group that uses it."""

    def __init__(self, parent: str, prefix: str) -> None:
        """Make `directory`: private, and of a new name below `parent`; raise OSError."""
        # Named first, and made once it is guarded: a program that is killed in between leaves
        # nothing behind.
        self.directory = Path(parent) / f"{prefix}{secrets.token_hex(4)}"
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "reaper", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal must not reach the reaper
            cwd="/",
            text=True,
        )
        try:
            self.directory.mkdir(mode=0o700)
        except OSError:
            self.release()
            raise

    def watch(self, process_group: int | None) -> None:
        """Name the process group to end; None once it has ended and its number may be reused."""
        self._send("none" if process_group is None else str(process_group))

    def attach_and_start(self, process: subprocess.Popen[bytes]) -> None:
        """Name the group of a process that was started with GATED_START, then let it run."""
        self.watch(process.pid)
        if process.stdin:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(b"go\n")

    def release(self) -> None:
        """End the reaper: the program has cleaned up by itself."""
        self._send("release")
        if self._shell.stdin:
            with suppress(OSError):
                self._shell.stdin.close()
        try:
            self._shell.wait(RELEASE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()

    def _send(self, word: str) -> None:
        if self._shell.stdin and not self._shell.stdin.closed:
            with suppress(OSError):  # the reaper has been killed
                self._shell.stdin.write(f"{word}\n")
                self._shell.stdin.flush()
