"""cpu_affinity.py: a core for each worker, also for one that replaces another."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from local.dev_settings import DEVELOPMENT_SETTINGS
from local.gateway import cpu_affinity
from tests.support.programs import Program, is_alive, running
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {
    "REDIS_URL": "redis://127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://nobody:nothing@127.0.0.1:1/none",
    **DEVELOPMENT_SETTINGS,
}
APPLICATION = "--application=tests.support.handlers_for_programs:application"
# One worker for each; on a large machine not all of them.
ALL = set(sorted(os.sched_getaffinity(0))[:2])
WORKERS = len(ALL)


@pytest.fixture(autouse=True)
def few_cores() -> Iterator[None]:
    """Let this process and its children use only these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALL)
    yield
    os.sched_setaffinity(0, before)


@contextmanager
def serving(pin: str) -> Iterator[Program]:
    arguments = ("--port=0", APPLICATION, f"--workers={WORKERS}", f"--pin={pin}")
    with running("local.serve", *arguments, environment=ENVIRONMENT) as program:
        program.out.until(lambda line: line.startswith("listening on"))
        yield program
        assert program.stop() == 0


def taken(program: Program) -> list[set[int]]:
    """The cores of each worker."""
    return [os.sched_getaffinity(pid) for pid in program.children if is_alive(pid)]


def policies(program: Program) -> set[int]:
    return {os.sched_getscheduler(pid) for pid in program.children if is_alive(pid)}


def each_has_its_own(program: Program) -> bool:
    return sorted(taken(program), key=min) == [{core} for core in sorted(ALL)]


def test_each_worker_takes_a_core_of_its_own_and_a_new_one_the_core_that_got_free() -> None:
    with serving("on") as program:
        eventually(lambda: each_has_its_own(program), "a core for each worker")
        eventually(lambda: policies(program) == {os.SCHED_BATCH}, "nobody who interrupts")
        killed = program.children[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: killed not in program.children, "the end of one")
        eventually(lambda: each_has_its_own(program), "a core for the new one")


def test_by_itself_the_gateway_does_so_where_workers_and_cores_are_as_many() -> None:
    with serving("auto") as program:
        eventually(lambda: each_has_its_own(program), "a core for each worker")


def test_without_the_setting_no_worker_is_pinned_to_a_core() -> None:
    with serving("off") as program:
        assert taken(program) == [ALL] * WORKERS


@pytest.mark.parametrize(
    ("workers", "available", "shared"), [(2, 2, True), (4, 2, True), (2, 64, False), (3, 2, False)]
)
def test_cores_are_shared_out_where_that_comes_out_even(
    monkeypatch: pytest.MonkeyPatch, workers: int, available: int, *, shared: bool
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(available)))
    assert cpu_affinity.matches_cpu_count(workers) is shared
