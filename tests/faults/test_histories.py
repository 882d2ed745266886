"""The fast part of the fault campaign: fixed seeds, real servers, real programs.

In parts, so that they run in parallel with the other tests, and each part on two clusters: a
history mostly waits. `make faults N=1000` plays more.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine.campaign import Campaign
from tests.faults.engine.draw import draw

if TYPE_CHECKING:
    from tests.faults.engine.finding import Finding
    from tests.faults.engine.history import Result

PARTS = 3
CLUSTERS = 2
HISTORIES = 36


@pytest.mark.long
@pytest.mark.timeout(600)  # some 25 s on an idle machine; other tests run in parallel
@pytest.mark.parametrize("part", range(PARTS))
def test_no_promise_is_broken_in_histories_of_faults(part: int) -> None:
    explained: list[str] = []

    def played(result: Result, saved: Finding | None) -> None:
        if saved:
            again = f"play it again: make faults SEED={result.scenario.seed}"
            explained.extend([f"saved in {saved.folder}", again, *result.violations, *result.log])

    seeds = range(1 + part, 1 + HISTORIES, PARTS)
    tally = Campaign("tansu", CLUSTERS, played).run(draw(seed) for seed in seeds)
    sys.stderr.write(f"\n{tally.table()}\n")
    assert tally.is_clean, "\n".join([*explained, *tally.broken_clusters])
    assert len(tally.results) == len(seeds)
