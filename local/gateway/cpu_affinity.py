"""A processor core for each worker.

One thread of a Python process runs at a time, and hands over to the next one some ten times for
each request. Where that one sits on another core, it has to be woken there, which takes longer than
many a request; on one core it is a change of threads like any other. And work that comes in while
a worker is busy is better done after what it is at than in between (SCHED_BATCH, see sched(7)).
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
    """Made by the parent of the workers, each of which takes one."""

    def __init__(self) -> None:
        # To be locked, by one worker after the other: a lock that ends with its holder.
        self._turns = tempfile.TemporaryFile()  # noqa: SIM115 - as long as there are workers

    def pin(self) -> None:
        """Keep this process to the core that the fewest of its siblings have.

        To be called before it starts its threads, which do as the thread that starts them. Where
        the system does not tell of siblings the process goes where it is put, as any other.
        """
        parent = os.getppid()
        with suppress(OSError), self._turn():
            taken = Counter(
                core for pid in _children(parent) if (core := _only_core(pid)) is not None
            )
            core = min(sorted(os.sched_getaffinity(parent)), key=lambda core: taken[core])
            os.sched_setaffinity(0, {core})
            # Whoever wakes up does not interrupt who runs: it would only wait for Python's lock.
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        fcntl.lockf(self._turns, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._turns, fcntl.LOCK_UN)


def matches_cpu_count(workers: int) -> bool:
    """Tell whether the cores that this process may use can be shared out evenly.

    If not, somebody else uses them too: containers that share a machine would all take the first.
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
