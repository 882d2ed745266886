"""Compares MySQL with the responses to the clients, and excuses what faults explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.harness.invariants import check
from local.harness.invariants import violations as sentences
from local.harness.observations import Faults, Observations
from tests.faults.engine.load import ADMITTED
from tests.faults.engine.scenario import FORGETFUL, NEW_EPOCH, STRANGERS, WRONG_TIMES, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.harness.observations import Row
    from local.harness.responses import ApplyResponse


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Everything that was observed of a history from outside.

    failed: users to reason and status of their failed events. by_disk: users whose response relied
    on Redis's disk alone, because Kafka gave no ack, then or later.
    """

    scenario: Scenario
    responses: Mapping[str, Sequence[ApplyResponse]]
    rows: Sequence[Row]
    failed: Mapping[str, str]
    by_disk: frozenset[str]
    forgeries_lost: int
    unanswered: frozenset[str]


def violations(seen: HistoryResult) -> list[str]:
    """Return a sentence for every broken promise; none when all hold."""
    scenario = seen.scenario
    faults = Faults(
        # A serial that was given back goes to a later user: only a rebuild or a redrive does that.
        rebuilt=scenario.has(NEW_EPOCH),
        wrong_times=scenario.has(WRONG_TIMES),
        redriven=seen.failed,
        lost=excused(seen),
        lost_records=seen.forgeries_lost,
    )
    responses = [each for of_user in seen.responses.values() for each in of_user]
    observed = Observations(
        scenario.quantity, responses, seen.rows, unanswered=seen.unanswered, faults=faults
    )
    return sentences(check(observed))


def excused(seen: HistoryResult) -> set[str]:
    """Return the users who lost a coupon by a double fault that is documented as a loss.

    First, Kafka never gave an ack, so that only Redis's disk held the admission. Second, before
    Kafka received it, that disk was lost (flushed, or restored from an older copy); or a stranger's
    record took the same serial, and a rebuild, after a new epoch, used the topic.
    """
    lost = _accepted(seen) & seen.by_disk - {row.user for row in seen.rows}
    if seen.scenario.has(FORGETFUL):
        return lost
    if not (seen.scenario.has(STRANGERS) and seen.scenario.has(NEW_EPOCH)):
        return set()
    applicants = {user for _, user in seen.scenario.arrivals}
    taken = {row.serial for row in seen.rows if row.user not in applicants}
    return {user for user in lost if _serials_received(seen, user) <= taken}


def _accepted(seen: HistoryResult) -> set[str]:
    return {user for user, got in seen.responses.items() if any(r.outcome in ADMITTED for r in got)}


def _serials_received(seen: HistoryResult, user: str) -> set[int | None]:
    return {each.serial for each in seen.responses[user] if each.outcome in ADMITTED}
