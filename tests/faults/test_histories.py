"""The fast part of the fault campaign: fixed seeds, real servers, real programs.

`make faults N=1000` plays more of them. The figures are printed, and shown by `pytest -s`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.engine.campaign import Campaign

if TYPE_CHECKING:
    from local.embedded import KafkaKind
    from tests.faults.engine.history import Result

SEEDS = range(1, 61)
# More would only make each history longer: the other tests run beside these.
WORLDS = 4


@pytest.mark.servers
@pytest.mark.timeout(600)  # some 75 s on an idle machine; other tests run beside it
def test_no_promise_is_broken_in_sixty_histories_of_faults(kafka_kind: KafkaKind) -> None:
    campaign = Campaign(kafka_kind, WORLDS)
    explained: list[str] = []

    def report(result: Result, tails: list[str]) -> None:
        if result.violations:
            again = f"play it again: make faults SEED={result.scenario.seed} N=1"
            explained.extend([again, *result.violations, *result.log, *tails])

    tally = campaign.run(SEEDS, report)
    sys.stderr.write(f"\n{tally.table()}\n")
    assert tally.is_clean, "\n".join([*explained, *tally.broken_worlds])
    assert len(tally.results) == len(SEEDS)
