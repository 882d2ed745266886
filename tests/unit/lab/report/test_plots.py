"""The pictures of the burst."""

from __future__ import annotations

import pytest

from lab.report import plots
from tests.support.lab_records import record


def test_an_error_page_is_no_answer() -> None:
    assert plots.answered_per_s(record(2)) == 4
    assert "1 in stage 2" in plots.throughput(record(2), record(3))


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 3), (0.95, 4), (1, 4)])
def test_a_quantile_is_a_value_of_the_list(share: float, value: float) -> None:
    assert plots.quantile([1, 2, 3, 4], share) == value


def test_a_stage_without_any_statement_is_drawn() -> None:
    burst = record(3)["burst"] | {"mysql_per_100_ms": [0]}
    drawn = plots.load(record(3, burst=burst), record(5))
    assert "0 statements in 100 ms, at most 0 in 100 ms" in drawn
    assert "4 statements in 200 ms, at most 3 in 100 ms" in drawn


def test_both_loads_have_the_same_axis() -> None:
    burst = record(3)["burst"] | {"mysql_per_100_ms": [80, 1, 1, 1, 1]}
    drawn = plots.load(record(3, burst=burst), record(5))
    assert drawn.count(">80</text>") == drawn.count(">500 ms</text>") == 2


def test_the_waits_of_each_stage_can_be_read_aloud() -> None:
    drawn = plots.latency([record(1), record(0)])
    assert "Stage 1: median 20 ms, nine of ten between 10 and 300 ms, slowest 300 ms" in drawn
    assert "yours: median 20 ms" in drawn
