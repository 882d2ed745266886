"""One line on how the day goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.responses import EXPECTED, SOLD_OUT
from local.load.responses import ISSUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.load.session_log import Visit


def progress(visits: Sequence[Visit], since_s: float) -> str:
    """Return what there is to say `since_s` seconds after the opening (below 0: before it)."""
    if since_s < 0:
        looks = sum(visit.looks for visit in visits)
        return f"{-since_s:3.0f} s to the opening: {len(visits):,} people, {looks:,} looks"
    told = [visit.answers[-1].outcome for visit in visits if visit.answers]
    sold_out = told.count(SOLD_OUT)
    won = sum(outcome in EXPECTED for outcome in told) - sold_out
    issued = sum(visit.state == ISSUED for visit in visits)
    left = sum(visit.left for visit in visits)
    return (
        f"{since_s:3.0f} s after it: {won:,} won, {issued:,} hold a code, {sold_out:,} sold out, "
        f"{len(visits) - won - sold_out:,} without an answer, {left:,} left"
    )
