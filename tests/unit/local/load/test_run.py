"""The load test's driver: which exits of the users' process count as success."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console as RichConsole

from local.harness.api_client import Api
from local.harness.console import Console
from local.harness.observations import Row
from local.harness.processes import HarnessError
from local.harness.responses import ACCEPTED, ApplyResponse
from local.load import run as course
from local.load.__main__ import main
from local.load.invariants import FinalState
from local.load.responses import ISSUED
from local.load.session_log import LoadResult, UserSession
from tests.packaging.source import foreign_packages, imported_names
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Hold = Callable[..., tuple[bool, str]]

VISIT = UserSession(
    "a", [ApplyResponse("a", ACCEPTED, 1, 202, 0.1, 0.2)], ISSUED, 1, "X", 1.0, left=True
)
DAY = LoadResult("load-1", 1, 1000, [VISIT], [])
FINAL_STATE = FinalState([Row("a", 1, 1000)], {"a": (1, "X")}, 1, 0, 0)


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Do runs without servers: a shell script writes the session log."""

    @contextmanager
    def running_deployment(*_: object) -> Iterator[SimpleNamespace]:
        settings = SimpleNamespace(auth_jwt_secret="secret")
        yield SimpleNamespace(settings=settings, api=Api("127.0.0.1", 1), check=lambda: None)

    monkeypatch.setattr(course, "running_deployment", running_deployment)

    def run(*days: LoadResult, state: FinalState = FINAL_STATE, code: int = 0) -> tuple[bool, str]:
        monkeypatch.setattr(course, "read_final_state", lambda *_: state)
        seen, out = tmp_path / "seen", tmp_path / "out"
        seen.mkdir()
        for day in days:
            day.write(seen)
        people = tmp_path / "python"
        copied = f"for day in {seen}/*.json; do [ ! -e $day ] || cp $day {out}; done"
        people.write_text(f"#!/bin/sh\necho people say this\n{copied}\nexit {code}\n")
        people.chmod(0o755)
        (out / "logs").mkdir(parents=True)
        (out / "day-of-before.json").write_text("an earlier run's")
        console = RichConsole(file=io.StringIO(), width=120)
        passed = course.run(options(out, people), Console(console))
        return passed, console.file.getvalue()  # type: ignore[attr-defined]

    return run


def options(out: Path, python: Path) -> argparse.Namespace:
    crowd = {"users": 1, "quantity": 1, "countdown": 1.0, "hang_ups": 0.0, "wait_s": 1.0}
    where = {"servers": "auto", "kafka": "tansu", "out": out, "ui": False, "python": python}
    return argparse.Namespace(**crowd, **where, port=1)


def test_a_day_that_kept_every_promise_is_a_success(hold: Hold) -> None:
    passed, shown = hold(DAY)
    assert passed
    assert "people say this" in shown
    assert "Every promise was kept." in shown


def test_a_day_that_was_late_is_a_success_that_says_so(hold: Hold) -> None:
    passed, shown = hold(DAY, state=replace(FINAL_STATE, lateness="the last one after 95 s"))
    assert passed
    assert "Late, and nothing was lost: the last one after 95 s." in shown


def test_a_broken_promise_is_a_failure(hold: Hold) -> None:
    passed, shown = hold(DAY, state=replace(FINAL_STATE, rows=[]))
    assert not passed
    assert "got ACCEPTED, and no row: a" in shown
    assert "Broken: not every promise was kept." in shown


def test_one_broken_run_of_two_is_a_failure(hold: Hold) -> None:
    other = replace(DAY, campaign_id="load-2", sessions=[replace(VISIT, wrong=["GET: 500"])])
    passed, shown = hold(DAY, other)
    assert not passed
    assert "1 x GET: 500" in shown


def test_a_run_that_was_stopped_is_not_checked_and_is_a_failure(hold: Hold) -> None:
    passed, shown = hold(replace(DAY, sessions=[replace(VISIT, left=False)]))
    assert not passed
    assert "load-1 was stopped before all users had left: not checked" in shown


def test_users_that_crash_are_shown_with_the_end_of_their_log(hold: Hold) -> None:
    with pytest.raises(HarnessError, match=r"exit code 2(.|\n)*people say this"):
        hold(DAY, code=2)


def test_a_run_that_leaves_nothing_is_not_a_success(hold: Hold) -> None:
    with pytest.raises(HarnessError, match="no run came to its end"):
        hold()


def test_without_locust_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="`make load` installs Locust there"):
        course.run(options(tmp_path, tmp_path / "none"), Console())


@pytest.mark.parametrize(
    "wrong", ["--users=0", "--quantity=x", "--countdown=nan", "--hang-ups=101"]
)
def test_wrong_options_end_with_2(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([wrong])
    assert ended.value.code == 2
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_what_locust_runs_needs_no_package_of_the_service() -> None:
    """A process whose environment has none of them."""
    needed = {
        package
        for name in imported_names(ROOT / "local/load/locustfile.py")
        for package in foreign_packages(name)
    }
    assert needed - sys.stdlib_module_names == {"gevent", "geventhttpclient", "locust"}
