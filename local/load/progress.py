"""One line on the progress of a load test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.harness.responses import EXPECTED, SOLD_OUT
from local.load.responses import ISSUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.load.session_log import UserSession


def progress(sessions: Sequence[UserSession], since_s: float) -> str:
    """Return the progress `since_s` seconds after the opening (below 0: before it)."""
    if since_s < 0:
        looks = sum(session.looks for session in sessions)
        return f"{-since_s:3.0f} s to the opening: {len(sessions):,} users, {looks:,} looks"
    outcomes = [session.responses[-1].outcome for session in sessions if session.responses]
    sold_out = outcomes.count(SOLD_OUT)
    won = sum(outcome in EXPECTED for outcome in outcomes) - sold_out
    issued = sum(session.state == ISSUED for session in sessions)
    left = sum(session.left for session in sessions)
    return (
        f"{since_s:3.0f} s after it: {won:,} won, {issued:,} hold a code, {sold_out:,} sold out, "
        f"{len(sessions) - won - sold_out:,} without an answer, {left:,} left"
    )
