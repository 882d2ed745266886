"""Holds what stands in MySQL against what the clients were told: promises P1 to P6."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.engine.load import TOLD, UNSURE, Response
from tests.faults.engine.scenario import FORGETFUL, NEW_EPOCH, STRANGERS, WRONG_TIMES, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """A coupon in MySQL."""

    user: str
    serial: int
    admitted_at: Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen of a history from outside.

    failed: (user, reason, status) of failed events of the campaign. by_disk: users who were
    answered on the word of Redis's disk alone, because Kafka gave no ack, then or later.
    """

    scenario: Scenario
    answers: Mapping[str, Sequence[Response]]
    rows: Sequence[Row]
    failed: Sequence[tuple[str, str, str]]
    by_disk: frozenset[str]
    forgeries_lost: int
    unanswered: frozenset[str]


def violations(seen: Evidence) -> list[str]:
    """Return a sentence for every broken promise; none when all hold."""
    return [
        *_p1_never_one_too_many(seen),
        *_p2_one_per_person(seen),
        *_p3_accepted_means_issued(seen),
        *_p4_first_come_first_served(seen),
        *_p5_nothing_disappears(seen),
        *_p6_answers(seen),
    ]


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
    return {user for user, answers in seen.answers.items() if any(a.code in TOLD for a in answers)}


def _serials_told(seen: Evidence, user: str) -> set[int | None]:
    return {answer.serial for answer in seen.answers[user] if answer.code in TOLD}


def _p1_never_one_too_many(seen: Evidence) -> Iterator[str]:
    quantity = seen.scenario.quantity
    if len(seen.rows) > quantity:
        yield f"P1: {len(seen.rows)} coupons of {quantity}"
    outside = [row.serial for row in seen.rows if not 1 <= row.serial <= quantity]
    if outside:
        yield f"P1: serials out of range: {outside}"
    twice = [serial for serial, n in Counter(row.serial for row in seen.rows).items() if n > 1]
    if twice:
        yield f"P1: serials given twice: {twice}"


def _p2_one_per_person(seen: Evidence) -> Iterator[str]:
    twice = [user for user, n in Counter(row.user for row in seen.rows).items() if n > 1]
    if twice:
        yield f"P2: more than one coupon: {twice}"


def _p3_accepted_means_issued(seen: Evidence) -> Iterator[str]:
    serial_of = {row.user: row.serial for row in seen.rows}
    collided = {user for user, _, _ in seen.failed}
    for user in sorted(_told(seen) - excused(seen)):
        told = [a.serial for a in seen.answers[user] if a.code in TOLD]
        if user not in serial_of:
            why = [f"{reason} {status}" for who, reason, status in seen.failed if who == user]
            yield f"P3: {user} was told {told} and has no coupon {why or ''}".rstrip()
        elif serial_of[user] not in told and user not in collided:
            yield f"P3: {user} was told {told} and has serial {serial_of[user]}"
    for user, answers in sorted(seen.answers.items()):
        # Refused every time, and never left in doubt: nothing may have been given to them.
        if user in serial_of and all(a.code == "SOLD_OUT" for a in answers):
            yield f"P3: {user} was only ever refused and has serial {serial_of[user]}"
    refused = any(a.code == "SOLD_OUT" for answers in seen.answers.values() for a in answers)
    if refused and not seen.scenario.has(NEW_EPOCH) and len(seen.rows) != seen.scenario.quantity:
        yield f"P3: sold out with {len(seen.rows)} of {seen.scenario.quantity} coupons"


def _p4_first_come_first_served(seen: Evidence) -> Iterator[str]:
    # A serial that was given back goes to a later comer: only a rebuild or a redrive does that.
    # Where Redis's clock was wrong, the times of admission say nothing about their order.
    if seen.scenario.has(NEW_EPOCH | WRONG_TIMES) or seen.failed:
        return
    times = [row.admitted_at for row in sorted(seen.rows, key=lambda row: row.serial)]
    if times != sorted(times):
        yield "P4: serials are not in the order of admission"


def _p5_nothing_disappears(seen: Evidence) -> Iterator[str]:
    if seen.forgeries_lost:
        yield f"P5: {seen.forgeries_lost} records are neither coupons nor in failed_event"


def _p6_answers(seen: Evidence) -> Iterator[str]:
    if seen.unanswered:
        yield f"P6: no answer for {sorted(seen.unanswered)}"
    known = {*UNSURE, 0, 200, 202, 409}
    strange = {a.status for answers in seen.answers.values() for a in answers} - known
    if strange:
        yield f"P6: answered {sorted(strange)}"
