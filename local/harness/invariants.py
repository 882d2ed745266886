"""Were the promises kept? A pure function over what people were told and what stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from local.harness.responses import ApplyResponse

# Names enough to look further, and still a sentence.
EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the coupon table."""

    user: str
    serial: int
    admitted_at_ms: int


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that the verdict is built on."""

    quantity: int
    people: int  # different users who pressed
    requests: int
    answers: Sequence[ApplyResponse]
    rows: Sequence[Row]
    highest_count: int  # coupon_count in Redis; it only ever rises
    pending: int  # admitted in Redis, and not known to stand in MySQL
    failed_events: int

    @property
    def coupons_due(self) -> int:
        """How many rows there must be: one each, as long as there are any."""
        return min(self.quantity, self.people)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise, what was seen of it, and what speaks against it."""

    promise: str
    seen: str
    differences: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.differences


def judge(evidence: Observations) -> tuple[CheckResult, ...]:
    """Return a finding for each promise; the demo succeeded when all of them are kept."""
    return (
        _never_one_too_many(evidence),
        _one_per_person(evidence),
        _accepted_means_issued(evidence),
        _first_come_first_served(evidence),
        _told_the_same(evidence),
        _nothing_disappears(evidence),
        _everyone_answered(evidence),
    )


def users_with_two(rows: Sequence[Row]) -> list[str]:
    """Return the users who have more than one coupon."""
    return sorted(user for user, count in Counter(row.user for row in rows).items() if count > 1)


def _never_one_too_many(evidence: Observations) -> CheckResult:
    rows, quantity, due = len(evidence.rows), evidence.quantity, evidence.coupons_due
    differences = []
    if rows > quantity:
        differences.append(f"{rows - quantity:,} more than there are coupons")
    elif rows > due:
        differences.append(f"{rows - due:,} more than there are people")
    elif rows < due:
        differences.append(f"{due - rows:,} rows are missing")
    if evidence.highest_count > quantity:
        differences.append(f"the count in Redis is {evidence.highest_count:,}")
    seen = f"{rows:,} rows in MySQL, {due:,} due"
    return CheckResult("Never one too many, none left over", seen, tuple(differences))


def _one_per_person(evidence: Observations) -> CheckResult:
    doubles = users_with_two(evidence.rows)
    people = len({row.user for row in evidence.rows})
    differences = (naming("more than one coupon", doubles),) if doubles else ()
    return CheckResult("One per person", f"{people:,} different owners", differences)


def _accepted_means_issued(evidence: Observations) -> CheckResult:
    told = [(a.user, a.serial) for a in evidence.answers if a.outcome == ACCEPTED]
    told_users = Counter(user for user, _ in told)
    serials = {row.user: row.serial for row in evidence.rows}
    wrong = {user for user, serial in told if user in serials and serials[user] != serial}
    denied = {a.user for a in evidence.answers if a.outcome == SOLD_OUT} & serials.keys()
    differences = _differences(
        ("told ACCEPTED, and no row", told_users.keys() - serials.keys()),
        ("a row, and never told ACCEPTED", serials.keys() - told_users.keys()),
        ("told another serial than the row's", wrong),
        ("told ACCEPTED more than once", {u for u, count in told_users.items() if count > 1}),
        ("told SOLD_OUT, and a row", denied),
    )
    seen = f"{len(told_users):,} told ACCEPTED, {len(serials):,} own a row"
    return CheckResult("Accepted means issued", seen, differences)


def _first_come_first_served(evidence: Observations) -> CheckResult:
    rows = sorted(evidence.rows, key=lambda row: row.serial)
    serials = [row.serial for row in rows]
    differences = []
    if serials != list(range(1, len(rows) + 1)):
        odd = sorted(set(serials) ^ set(range(1, len(rows) + 1)))
        twice = sorted(serial for serial, count in Counter(serials).items() if count > 1)
        if odd:
            differences.append(naming("serials missing or out of place", odd))
        if twice:
            differences.append(naming("serials given twice", twice))
    late = [
        later.user
        for earlier, later in pairwise(rows)
        if later.admitted_at_ms < earlier.admitted_at_ms
    ]
    if late:
        differences.append(naming("admitted before somebody with a lower serial", late))
    seen = f"serials {serials[0]:,} to {serials[-1]:,}" if serials else "no serials"
    if not differences:
        seen += ", in the order of admission"
    return CheckResult("First come, first served", seen, tuple(differences))


def _told_the_same(evidence: Observations) -> CheckResult:
    repeats = [a for a in evidence.answers if a.outcome == ALREADY_APPLIED]
    serials = {row.user: row.serial for row in evidence.rows}
    differences = _differences(
        ("told ALREADY_APPLIED, and no row", {a.user for a in repeats} - serials.keys()),
        (
            "told ALREADY_APPLIED with another serial",
            {a.user for a in repeats if serials.get(a.user, a.serial) != a.serial},
        ),
    )
    return CheckResult(
        "Ask again, same answer", f"{len(repeats):,} told ALREADY_APPLIED", differences
    )


def _nothing_disappears(evidence: Observations) -> CheckResult:
    differences = []
    if evidence.failed_events:
        differences.append(f"{evidence.failed_events:,} records in failed_event")
    if evidence.pending:
        differences.append(f"{evidence.pending:,} admissions still pending in Redis")
    seen = f"{evidence.failed_events:,} failed, {evidence.pending:,} still on their way"
    return CheckResult("Nothing disappears", seen, tuple(differences))


def _everyone_answered(evidence: Observations) -> CheckResult:
    odd = Counter(a.outcome for a in evidence.answers if not a.expected)
    differences = [f"{count:,} x {outcome}" for outcome, count in odd.most_common()]
    if len(evidence.answers) != evidence.requests:
        differences.append(f"{len(evidence.answers):,} answers to {evidence.requests:,} presses")
    seen = f"{len(evidence.answers) - odd.total():,} of {evidence.requests:,} as expected"
    return CheckResult("Everyone is answered", seen, tuple(differences))


def _differences(*found: tuple[str, Collection[str]]) -> tuple[str, ...]:
    return tuple(naming(what, sorted(users)) for what, users in found if users)


def naming(what: str, examples: Sequence[object]) -> str:
    """Return for example "2 x told SOLD_OUT, and a row: user-7, user-9"."""
    named = ", ".join(map(str, examples[:EXAMPLES_MAX]))
    return f"{len(examples):,} x {what}: {named}{', …' if len(examples) > EXAMPLES_MAX else ''}"
