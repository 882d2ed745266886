"""Judges what a crowd saw of a campaign in which other people, too, apply and administrate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.harness.invariants import check, never_one_too_many
from local.harness.observations import Faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.campaign import Campaign
    from local.harness.invariants import CheckResult
    from local.harness.observations import Observations

CHANGED = (
    "The campaign was changed meanwhile: completeness, order and single responses are not judged."
)
# One per person; accepted means issued.
ALWAYS = frozenset({"P2", "P3"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The results that can be had; note: what a reader should know of them, or ""."""

    results: Sequence[CheckResult]
    note: str = ""


def judge(seen: Observations, before: Campaign, after: Campaign) -> Judgement:
    """Check every promise; in a campaign that was changed meanwhile those that hold nevertheless.

    before, after: the campaign when the crowd came, and at the end. A pause answers 409, a lower
    quantity leaves people without, a returned coupon goes to the next one under another serial: of
    the rest it is not known what should have been.
    """
    crowd = {each.user for each in seen.responses}
    others = {row.user for row in seen.rows} - crowd
    if (before.version, before.places_returned) == (after.version, after.places_returned):
        people = seen.people + len(others)
        note = f"Coupons of people who applied beside the crowd: {len(others):,}." if others else ""
        return Judgement(check(replace(seen, people=people, others=others)), note)
    faults = Faults(rebuilt=True, wrong_times=True)
    changed = replace(seen, quantity=after.last_serial, faults=faults)
    rows_of_crowd = [row for row in seen.rows if row.user in crowd]
    always = [each for each in check(replace(changed, rows=rows_of_crowd)) if each.code in ALWAYS]
    return Judgement((never_one_too_many(changed), *always), CHANGED)
