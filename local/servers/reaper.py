"""Cleans up after a program that could not: its server and its directory never outlive it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Reads from a pipe that only the guarded program holds. When that program is gone, for whatever
# reason (kill -9 included), the pipe ends: then the last process named goes, and the directory.
SCRIPT = """
running=none
while read -r word; do
    [ "$word" = release ] && exit 0
    running=$word
done
[ "$running" = none ] || kill -s KILL -- "-$running" 2>/dev/null
rm -rf -- "$1"
"""
# Becomes the program once a line comes: when its guardian knows it. Should whoever starts it be
# killed before, there is no line, and nothing is left that nobody knows.
GATED_START = ("/bin/sh", "-c", 'read -r line && exec "$@"', "program")
# The shell only has to leave its loop.
RELEASE_TIMEOUT_S = 5.0


class ProcessReaper:
    """Guards one directory and the one process group that works in it."""

    def __init__(self, directory: Path) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "guardian", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for the guardian
            cwd="/",
            text=True,
        )

    def watch(self, process_group: int | None) -> None:
        """Name the process group to end; None once it has ended and its number may be reused."""
        self._say("none" if process_group is None else str(process_group))

    def attach_and_start(self, process: subprocess.Popen[bytes]) -> None:
        """Name the group of a process that was started with GATED_START, then let it begin."""
        self.watch(process.pid)
        if process.stdin:
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(b"go\n")

    def release(self) -> None:
        """Send the guardian home: the program has cleaned up by itself."""
        self._say("release")
        if self._shell.stdin:
            with suppress(OSError):
                self._shell.stdin.close()
        try:
            self._shell.wait(RELEASE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()

    def _say(self, word: str) -> None:
        if self._shell.stdin and not self._shell.stdin.closed:
            with suppress(OSError):  # somebody ended the guardian: nothing left to tell it
                self._shell.stdin.write(f"{word}\n")
                self._shell.stdin.flush()
