"""A processor core for each worker.

Only one thread of a Python process runs at a time. For each request it hands over to another one
some ten times. If that thread is on another core, waking it there takes longer than many a request
does; on the same core this is an ordinary thread switch. Work that arrives while a worker is busy
is better done after its current work than in between (SCHED_BATCH, see sched(7)).
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class CpuAffinity:
    """Created by the parent of the workers; each worker pins itself to a core."""

    def __init__(self) -> None:
        # The workers lock this file one after the other; a lock ends with its process.
        self._lock_file = tempfile.TemporaryFile()  # noqa: SIM115 - open while workers run

    def pin(self) -> None:
        """Pin this process to the core that the fewest of its siblings have.

        Call it before the process starts threads: they inherit the core from the thread that starts
        them. If the system does not list the siblings, the process is not pinned.
        """
        parent = os.getppid()
        with suppress(OSError), self._lock():
            taken = Counter(
                core for pid in _children(parent) if (core := _only_core(pid)) is not None
            )
            core = min(sorted(os.sched_getaffinity(parent)), key=lambda core: taken[core])
            os.sched_setaffinity(0, {core})
            # A thread that wakes up does not interrupt the running one: it would wait for the GIL.
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        fcntl.lockf(self._lock_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._lock_file, fcntl.LOCK_UN)


def matches_cpu_count(workers: int) -> bool:
    """Return whether the cores that this process may use can be shared out evenly.

    If not, other processes use them too: containers on one machine would all take the first core.
    """
    return hasattr(os, "sched_getaffinity") and workers % len(os.sched_getaffinity(0)) == 0


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def _only_core(pid: int) -> int | None:
    try:
        cores = os.sched_getaffinity(pid)
    except ProcessLookupError:
        return None
    return min(cores) if len(cores) == 1 else None
