"""Shrinking keeps only the parts of a history that make it fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.engine import finding
from tests.faults.engine.scenario import Fault, scenario
from tests.faults.engine.shrink import shrink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.engine.scenario import Scenario

FAULTS = [Fault(number / 10, kind) for number, kind in enumerate("abcdef")]


def test_only_the_faults_that_matter_remain() -> None:
    def fails(candidate: Scenario) -> bool:
        return {"b", "e"} <= {fault.kind for fault in candidate.faults}

    small = shrink(scenario(1, FAULTS), fails)
    assert [fault.kind for fault in small.faults] == ["b", "e"]


def test_only_the_applications_that_matter_remain() -> None:
    def fails(candidate: Scenario) -> bool:
        return {"u7", "u23"} <= {user for _, user in candidate.arrivals}

    small = shrink(scenario(1, FAULTS), fails)
    assert small.faults == ()
    assert sorted({user for _, user in small.arrivals}) == ["u23", "u7"]


def test_a_history_that_no_longer_fails_is_unchanged() -> None:
    whole = scenario(1, FAULTS)
    assert shrink(whole, lambda _: False) == whole


def test_a_history_is_read_back_unchanged(tmp_path: Path) -> None:
    whole = scenario(3, FAULTS)
    finding.write(whole, tmp_path / "history.json")
    assert finding.read(tmp_path / "history.json") == whole
