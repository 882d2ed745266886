"""What a run takes from its crowd's process: the verdict, or why there is none."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from local.demo.metrics import Run, metrics
from local.harness.invariants import as_json, check
from local.harness.observations import Observations, Row
from local.harness.processes import HarnessError
from local.harness.responses import ACCEPTED, ApplyResponse
from local.run.crowd_process import CrowdProcess

if TYPE_CHECKING:
    from pathlib import Path

    from local.harness.processes import Running


class FakeProcess:
    """A crowd's process that has ended, or has not."""

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code = exit_code

    def check(self) -> None:
        message = f"crowd ended with exit code {self.exit_code}"
        raise HarnessError(message)


def crowd(exit_code: int | None, file: Path) -> CrowdProcess:
    return CrowdProcess(cast("Running", FakeProcess(exit_code)), file)


def write(file: Path, *rows: Row, note: str = "") -> None:
    """Write the record of a crowd of one, kim, who was accepted."""
    accepted = ApplyResponse("kim", ACCEPTED, 1, 202, 0.0, 0.1)
    seen = Observations(1, [accepted], rows, people=1, requests=1, highest_count=1)
    record = metrics(Run("one", "run", seen, 1, [], 0.2)) | as_json(check(seen)) | {"note": note}
    file.write_text(json.dumps(record), "utf-8")


def printed(text: object) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(text)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_there_is_no_result_while_the_crowd_is_busy(tmp_path: Path) -> None:
    assert crowd(None, tmp_path / "crowd.json").result() is None


def test_a_kept_promise_is_shown_with_what_was_seen(tmp_path: Path) -> None:
    write(tmp_path / "crowd.json", Row("kim", 1, 1), note="The campaign was changed.")
    result = crowd(0, tmp_path / "crowd.json").result()
    assert result
    assert result.was_kept
    assert "Every promise was kept." in printed(result.text)
    assert "1 got ACCEPTED, 1 own a row" in printed(result.text)
    assert "The campaign was changed." in printed(result.text)


def test_a_broken_promise_is_shown_with_its_differences(tmp_path: Path) -> None:
    write(tmp_path / "crowd.json")
    result = crowd(1, tmp_path / "crowd.json").result()
    assert result
    assert not result.was_kept
    assert "got ACCEPTED, and no row: kim" in printed(result.text)


def test_a_crowd_that_ended_without_a_result_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="crowd ended with exit code 1"):
        crowd(1, tmp_path / "crowd.json").result()
