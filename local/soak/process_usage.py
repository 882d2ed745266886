"""What programs use at a moment: memory, threads, open files; from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


class ProcessUsage(NamedTuple):
    """What a program and its child processes use, in total."""

    rss_bytes: int
    threads: int
    files: int


def process_usage(pid: int) -> ProcessUsage:
    """Return what a program uses; a child that ends meanwhile is not counted."""
    rss_bytes = threads = files = 0
    for process in family(pid):
        try:
            rss_bytes += int((process / "statm").read_text().split()[1]) * PAGE_BYTES
            threads += sum(1 for _ in (process / "task").iterdir())
            files += sum(1 for _ in (process / "fd").iterdir())
        except OSError:
            continue
    return ProcessUsage(rss_bytes, threads, files)


def family(pid: int) -> Iterator[Path]:
    """Yield the folders of a process and of all its descendants."""
    process = PROC / str(pid)
    yield process
    try:
        children = (process / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))
