"""The CPU time that each program uses while it is measured, from Linux's /proc.

On CPUs that other programs use too, this is more reliable than wall-clock time.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from bench.programs import ALL, GATEWAY, KAFKA, LOAD, MYSQL, REDIS
from local.harness.processes import HarnessError
from local.soak.process_usage import PROC, family

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.harness import Metrics

METRIC = "cpu_us_of_"  # then the program's name: CPU microseconds for one request
COLUMNS = tuple(f"{METRIC}{name}" for name in (LOAD, GATEWAY, REDIS, KAFKA, MYSQL, ALL))
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class ProcessorTime:
    """Counts from its creation on."""

    def __init__(self, programs: Mapping[str, int]) -> None:
        """Take process ids by name; child processes count as their program."""
        self._programs = programs
        self._before_s = self._used_s()

    def per_request(self, requests: int, load_s: float) -> Metrics:
        """Return microseconds by program, and the sum of all of them and the load.

        Empty without requests, or without /proc.
        """
        used_s = self._used_s()
        if not requests or not PROC.is_dir():
            return {}
        spent_s = {LOAD: load_s}
        spent_s |= {name: used_s[name] - before_s for name, before_s in self._before_s.items()}
        spent_s[ALL] = sum(spent_s.values())
        return {f"{METRIC}{name}": each_s / requests * 1e6 for name, each_s in spent_s.items()}

    def _used_s(self) -> dict[str, float]:
        if not PROC.is_dir():
            return {}
        used_s = {}
        for name, pid in self._programs.items():
            try:
                used_s[name] = sum(map(_ticks, family(pid))) * TICK_S
            except OSError as error:
                message = f"{name}, or a process of it, ended while it was measured"
                raise HarnessError(message) from error
        return used_s


def ended_s() -> float:
    """Return the CPU time of this process's ended children."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _ticks(process: Path) -> int:
    """Return user and system time; they follow the name, in brackets, which may hold anything."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
