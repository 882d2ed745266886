"""Reading the recorded files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lab.report.records import load
from local.harness.processes import HarnessError
from tests.support.lab_records import record

if TYPE_CHECKING:
    from pathlib import Path


def test_the_stages_come_in_order_and_the_readers_last(tmp_path: Path) -> None:
    for name, number in (("mine", 0), ("3", 3), ("1", 1)):
        (tmp_path / f"{name}.json").write_text(json.dumps(record(number)), encoding="utf-8")
    (tmp_path / "notes.json").write_text("no record")
    assert [found["stage"] for found in load(tmp_path)] == [1, 3, 0]


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nothing is recorded in .*; first: make lab"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "7", '{"promises": 1}'])
def test_a_file_that_is_no_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "2.json").write_text(content)
    with pytest.raises(HarnessError, match=r"2\.json is no record of the lab .*run its stage"):
        load(tmp_path)


def test_a_record_of_another_version_is_named(tmp_path: Path) -> None:
    old = record(2)
    del old["breaks"]
    (tmp_path / "2.json").write_text(json.dumps(old))
    with pytest.raises(HarnessError, match=r"2\.json is a record of another version"):
        load(tmp_path)
