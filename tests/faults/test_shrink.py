"""What is left of a failing history is what it fails by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.engine import finding
from tests.faults.engine.scenario import Fault, scenario
from tests.faults.engine.shrink import shrink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.engine.scenario import Scenario

FAULTS = [Fault(number / 10, kind) for number, kind in enumerate("abcdef")]


def test_only_the_faults_that_matter_are_left() -> None:
    def fails(candidate: Scenario) -> bool:
        return {"b", "e"} <= {fault.kind for fault in candidate.faults}

    small = shrink(scenario(1, FAULTS), fails)
    assert [fault.kind for fault in small.faults] == ["b", "e"]


def test_only_the_applications_that_matter_are_left() -> None:
    def fails(candidate: Scenario) -> bool:
        return {"u7", "u23"} <= {user for _, user in candidate.arrivals}

    small = shrink(scenario(1, FAULTS), fails)
    assert small.faults == ()
    assert sorted({user for _, user in small.arrivals}) == ["u23", "u7"]


def test_a_history_that_fails_no_more_stays_as_it_is() -> None:
    whole = scenario(1, FAULTS)
    assert shrink(whole, lambda _: False) == whole


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    whole = scenario(3, FAULTS)
    finding.write(whole, tmp_path / "history.json")
    assert finding.read(tmp_path / "history.json") == whole
