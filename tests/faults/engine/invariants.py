"""Compares MySQL with the responses of the clients, and excuses what faults explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.harness.invariants import check
from local.harness.invariants import violations as sentences
from local.harness.observations import Faults, Observations
from tests.faults.engine.load import TOLD
from tests.faults.engine.scenario import FORGETFUL, NEW_EPOCH, STRANGERS, WRONG_TIMES, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.harness.observations import Row
    from local.harness.responses import ApplyResponse


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen of a history from outside.

    failed: users to reason and status of their failed events. by_disk: users who were answered on
    the word of Redis's disk alone, because Kafka gave no ack, then or later.
    """

    scenario: Scenario
    answers: Mapping[str, Sequence[ApplyResponse]]
    rows: Sequence[Row]
    failed: Mapping[str, str]
    by_disk: frozenset[str]
    forgeries_lost: int
    unanswered: frozenset[str]


def violations(seen: Evidence) -> list[str]:
    """Return a sentence for every broken promise; none when all hold."""
    played = seen.scenario
    faults = Faults(
        # A serial that was given back goes to a later comer: only a rebuild or a redrive does that.
        rebuilt=played.has(NEW_EPOCH),
        wrong_times=played.has(WRONG_TIMES),
        redriven=seen.failed,
        lost=excused(seen),
        lost_records=seen.forgeries_lost,
    )
    responses = [answer for answers in seen.answers.values() for answer in answers]
    observed = Observations(
        played.quantity, responses, seen.rows, unanswered=seen.unanswered, faults=faults
    )
    return sentences(check(observed))


def excused(seen: Evidence) -> set[str]:
    """Return who lost a coupon by a double fault that is documented as a loss.

    Kafka never gave an ack, so that only Redis's disk held the admission; and before Kafka could
    be told, that disk was lost (flushed, or an older copy came back), or a stranger's record took
    that very serial, and a rebuild, which only a new epoch brings about, believed the topic.
    """
    lost = _told(seen) & seen.by_disk - {row.user for row in seen.rows}
    if seen.scenario.has(FORGETFUL):
        return lost
    if not (seen.scenario.has(STRANGERS) and seen.scenario.has(NEW_EPOCH)):
        return set()
    applicants = {user for _, user in seen.scenario.arrivals}
    taken = {row.serial for row in seen.rows if row.user not in applicants}
    return {user for user in lost if _serials_told(seen, user) <= taken}


def _told(seen: Evidence) -> set[str]:
    return {
        user for user, answers in seen.answers.items() if any(a.outcome in TOLD for a in answers)
    }


def _serials_told(seen: Evidence, user: str) -> set[int | None]:
    return {answer.serial for answer in seen.answers[user] if answer.outcome in TOLD}
