"""Reports of processes in a folder: of those that live, and of those that have ended."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING

import pytest

from handlers.domain import metrics
from local.metrics.reporter import Reporter
from local.metrics.workers import WorkersNumbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS, QUEUED = metrics.JOBS.name, metrics.QUEUED.name


@pytest.fixture(autouse=True)
def off_afterwards() -> Iterator[None]:
    yield
    metrics.switch_on()
    metrics.switch_off()


def report(folder: Path, name: str, count: int, queued: int) -> int:
    """Report as a process does; return the descriptor by which it lives."""
    values = {JOBS: [[["relay", "failed"], count]], QUEUED: [[["/ready"], queued]]}
    (folder / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    descriptor = os.open(folder / f"{name}.lock", os.O_CREAT | os.O_WRONLY, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def test_a_process_that_has_ended_keeps_its_counts_and_loses_its_gauges(tmp_path: Path) -> None:
    numbers = WorkersNumbers(tmp_path)
    first, second = report(tmp_path, "1", 5, 2), report(tmp_path, "2", 7, 1)
    assert numbers()[JOBS] == {("relay", "failed"): 12}
    assert numbers()[QUEUED] == {("/ready",): 3}
    os.close(first)
    for _ in range(2):
        assert numbers()[JOBS] == {("relay", "failed"): 12}
        assert numbers()[QUEUED] == {("/ready",): 1}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.json", "2.lock"]
    os.close(second)
    assert numbers()[JOBS] == {("relay", "failed"): 12}
    assert QUEUED not in numbers()
    assert list(tmp_path.iterdir()) == []


def test_a_process_with_the_id_of_one_that_has_ended_takes_nothing_of_it_away(
    tmp_path: Path,
) -> None:
    os.close(report(tmp_path, str(os.getpid()), 5, 2))
    (tmp_path / f"{os.getpid()}.new").touch()  # it was killed while it wrote
    reporter = Reporter(tmp_path)
    metrics.JOBS.inc(("relay", "failed"))
    reporter.report()
    assert WorkersNumbers(tmp_path)()[JOBS] == {("relay", "failed"): 6}


def test_a_process_that_ended_before_its_first_report_is_nothing(tmp_path: Path) -> None:
    numbers = WorkersNumbers(tmp_path)
    descriptor = report(tmp_path, "1", 5, 2)
    (tmp_path / "1.json").unlink()
    assert numbers() == {}
    os.close(descriptor)
    assert numbers() == {}


def test_a_reporter_is_seen_with_what_it_counts_and_measures(tmp_path: Path) -> None:
    numbers = WorkersNumbers(tmp_path)
    reporter = Reporter(tmp_path, lambda: metrics.QUEUED.set_all({("/ready",): 3}))
    assert numbers()[QUEUED] == {("/ready",): 3}
    metrics.JOBS.inc(("relay", "failed"), 2)
    assert JOBS not in numbers(), "it is not reported yet"
    reporter.close()
    assert numbers()[JOBS] == {("relay", "failed"): 2}


def test_a_report_that_cannot_be_written_is_logged_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    reporter = Reporter(folder)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    metrics.JOBS.inc(("relay", "failed"))
    reporter.close()
    assert '"metrics are not reported"' in capsys.readouterr().err
