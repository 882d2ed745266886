"""A stage breaks its promise in each of ten runs, and the next one keeps it in each of ten."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from lab.catalogue import STAGES
from lab.judge.promises import LANES

if TYPE_CHECKING:
    from lab.catalogue import Stage
    from lab.judge.judge import Judge
    from lab.judge.laws import State

RUNS = 10
# A run takes up to seven seconds; several times that on a machine with much other work.
pytestmark = pytest.mark.timeout(900)
LAWS = {
    law.__name__: (scenario, law) for lane in LANES for scenario in lane for law in scenario.laws
}


def states(judge: Judge, stage: Stage, promise: str) -> list[State]:
    """Play what tests a promise ten times; return what its law says of each run."""
    scenario, law = LAWS[promise]
    with judge.playing(stage.file) as run:
        return [law(scenario.play(run)).state for _ in range(RUNS)]


@pytest.mark.parametrize(
    ("stage", "following"), list(pairwise(STAGES)), ids=[stage.own for stage in STAGES[:-1]]
)
def test_a_stage_breaks_its_promise_in_each_run_and_the_next_keeps_it_in_each(
    judge: Judge, stage: Stage, following: Stage
) -> None:
    assert states(judge, stage, stage.own) == ["broken"] * RUNS
    assert states(judge, following, stage.own) == ["kept"] * RUNS
