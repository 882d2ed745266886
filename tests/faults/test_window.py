"""The documented loss is excused where it may happen, and nothing else is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine import window
from tests.faults.engine.draw import draw
from tests.faults.engine.finding import read, write
from tests.faults.engine.history import MODEL, Result
from tests.faults.engine.scenario import SILENT, SPLIT, Fault, Scenario, scenario

if TYPE_CHECKING:
    from pathlib import Path

NO_ROW = "P3: got ACCEPTED, and no row: u1"
JUDGED = f"{MODEL}: not allowed: quiet: P3_accepted_without_coupon: u1, 4"
OTHERS = ["P1: 1 more than there are coupons", f"{MODEL}: not allowed: take_serial: 4 is not free"]


def played(move: str, confirming: int) -> Scenario:
    drawn = scenario(1, [Fault(0.1, "redis-failover", move, 0.2)])
    return dataclasses.replace(drawn, confirming=confirming)


def test_a_former_primary_that_no_replica_confirms_for_may_lose_accepted_users() -> None:
    result = Result(played(SILENT, 0), [NO_ROW, JUDGED, *OTHERS], 5.0, lost=1)
    window.excuse(result)
    assert result.violations == OTHERS
    assert result.excused == [NO_ROW, JUDGED]
    assert (result.lost, result.lost_in_window) == (0, 1)


@pytest.mark.parametrize(("move", "confirming"), [(SILENT, 1), (SPLIT, 0), (SPLIT, 1)])
def test_with_a_confirming_replica_or_without_such_a_cut_nothing_is_excused(
    move: str, confirming: int
) -> None:
    result = Result(played(move, confirming), [NO_ROW, JUDGED], 5.0, lost=1)
    window.excuse(result)
    assert result.violations == [NO_ROW, JUDGED]
    assert (result.excused, result.lost, result.lost_in_window) == ([], 1, 0)


def test_histories_with_a_replica_are_drawn_with_and_without_its_confirmation() -> None:
    drawn = [draw(seed, redis="replicas") for seed in range(200)]
    cut = [each for each in drawn if each.has_silent_cut]
    for histories in (drawn, cut):
        share = sum(each.confirming for each in histories) / len(histories)
        assert 0.3 < share < 0.7
    assert not any(
        draw(seed, redis=kind).confirming for seed in range(50) for kind in ("single", "cluster")
    )


def test_a_saved_history_keeps_the_number_of_confirming_replicas(tmp_path: Path) -> None:
    for confirming in (0, 1):
        write(played(SILENT, confirming), tmp_path / "history.json")
        assert read(tmp_path / "history.json") == played(SILENT, confirming)
