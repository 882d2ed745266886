"""The processor time of programs, as the benchmark reports it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.processor_time import METRIC, TICK_S, ProcessorTime
from local.harness.processes import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK_S = 0.1
WORKER = f"""
import sys, time
print("ready", flush=True)
for _ in sys.stdin.buffer.raw:
    end = time.process_time() + {WORK_S}
    while time.process_time() < end: pass
    print("done", flush=True)
"""
# The program itself is idle: its child does the work.
PROGRAM = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKER!r}])"


@contextmanager
def program_at_rest() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process


def let_work(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write("work\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def test_the_work_of_a_programs_children_is_counted_per_request_and_added_to_the_load() -> None:
    with program_at_rest() as process:
        used = ProcessorTime({"program": process.pid})
        let_work(process)
        metrics = used.per_request(1000, load_s=0.5)
    assert metrics[f"{METRIC}program"] >= (WORK_S - 2 * TICK_S) / 1000 * 1e6
    assert metrics[f"{METRIC}load"] == 500
    assert metrics[f"{METRIC}all"] == pytest.approx(500 + metrics[f"{METRIC}program"])


def test_what_was_done_before_is_not_counted() -> None:
    with program_at_rest() as process:
        let_work(process)
        metrics = ProcessorTime({"program": process.pid}).per_request(1, load_s=0.0)
    assert metrics[f"{METRIC}program"] < WORK_S * 1e6


def test_without_a_request_there_is_no_cost_of_one() -> None:
    assert ProcessorTime({}).per_request(0, load_s=0.5) == {}


def test_a_program_that_ended_is_not_a_program_that_did_nothing() -> None:
    with program_at_rest() as process:
        used = ProcessorTime({"program": process.pid})
    with pytest.raises(HarnessError, match="program"):
        used.per_request(1, load_s=0.0)
