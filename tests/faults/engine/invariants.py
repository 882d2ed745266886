"""Compares MySQL with the responses to the clients. No fault excuses the loss of a coupon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.harness.invariants import check
from local.harness.invariants import violations as sentences
from local.harness.observations import Faults, Histories, Observations
from tests.faults.engine.givers import told_apart
from tests.faults.engine.load import ADMITTED
from tests.faults.engine.scenario import NEW_EPOCH, STRANGERS, WRONG_TIMES, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.harness.observations import Row
    from local.harness.responses import ApplyResponse

# A record that is not ours had the serial of this one.
COLLISIONS = ("SERIAL_TAKEN", "USER_HAS_OTHER_SERIAL")


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Everything that was observed of a history from outside, and which Redis gave which serial.

    failed: users to reason and status of their failed events. givers: users who asked to give a
    coupon back. last_serial: that may be given at the end, None where it is the quantity. lowest:
    the lowest quantity that was asked for, None where it never changed.
    """

    scenario: Scenario
    responses: Mapping[str, Sequence[ApplyResponse]]
    rows: Sequence[Row]
    failed: Mapping[str, str]
    forgeries_lost: int
    unanswered: frozenset[str]
    histories: Histories = field(default_factory=Histories)
    givers: frozenset[str] = frozenset()
    last_serial: int | None = None
    lowest: int | None = None


def violations(seen: HistoryResult) -> list[str]:
    """Return a sentence for every broken promise; none when all hold."""
    scenario = seen.scenario
    faults = Faults(
        # A serial that was given back goes to a later user: only a rebuild or a redrive does that.
        rebuilt=scenario.has(NEW_EPOCH),
        wrong_times=scenario.has(WRONG_TIMES),
        redriven=_redriven(seen),
        lost_records=seen.forgeries_lost,
    )
    of_users, rows = told_apart(seen.givers, seen.responses, seen.rows)
    responses = [each for of_user in of_users.values() for each in of_user]
    observed = Observations(
        scenario.quantity if seen.last_serial is None else seen.last_serial,
        responses,
        rows,
        unanswered=seen.unanswered,
        faults=faults,
        histories=seen.histories,
        lowest_quantity=seen.lowest,
    )
    return sentences(check(observed))


def lost(seen: HistoryResult) -> set[str]:
    """Return the users who got a serial and have no coupon."""
    accepted = {
        user for user, got in seen.responses.items() if any(r.outcome in ADMITTED for r in got)
    }
    return accepted - {row.user for row in seen.rows}


def _redriven(seen: HistoryResult) -> dict[str, str]:
    """Return the users who may get another serial than the promised one: only after strangers."""
    if not seen.scenario.has(STRANGERS):
        return {}
    return {user: why for user, why in seen.failed.items() if why.startswith(COLLISIONS)}
