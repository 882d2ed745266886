"""Checks the promises: pure functions over the observations of one campaign.

Demo, load test, soak, fault campaign and simulation share these checks, and add their own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from local.harness.order import overtaken, rejected_winners, sold_out_too_early
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, EXPECTED, SOLD_OUT, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from local.harness.observations import Observations

Value = TypeVar("Value", int, float, str)

# Enough names for a closer look, and still a sentence.
EXAMPLES_MAX = 5


class Verdict(StrEnum):
    """What a run has shown."""

    KEPT = "kept"
    LATE = "late"  # every promise was kept, but something arrived after the time for it
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise, what was observed, and the differences from the promise."""

    promise: str
    seen: str
    differences: tuple[str, ...]
    code: str = ""  # P1 to P6

    @property
    def kept(self) -> bool:
        """Whether there are no differences."""
        return not self.differences


def check(seen: Observations) -> tuple[CheckResult, ...]:
    """Return a result for each promise; the run is correct when all promises are kept."""
    return (
        never_one_too_many(seen),
        one_per_person(seen),
        _accepted_means_issued(seen),
        _first_come_first_served(seen),
        _same_reply_again(seen),
        _nothing_disappears(seen),
        every_request_gets_response(seen),
    )


def verdict(results: Iterable[CheckResult], lateness: Sequence[str] = ()) -> Verdict:
    """Return BROKEN when a promise is, else LATE when something was."""
    if not all(result.kept for result in results):
        return Verdict.BROKEN
    return Verdict.LATE if lateness else Verdict.KEPT


def as_json(results: Sequence[CheckResult], lateness: Sequence[str] = ()) -> dict[str, Any]:
    """Return the results as the programs write them to JSON."""
    promises = [asdict(each) | {"kept": each.kept} for each in results]
    for each in promises:
        del each["code"]
    found = verdict(results, lateness)
    kept = found is not Verdict.BROKEN
    return {"kept": kept, "verdict": found, "late": list(lateness), "promises": promises}


def violations(results: Iterable[CheckResult]) -> list[str]:
    """Return a sentence for each difference, as "P1: the count in Redis is 101"."""
    return [f"{each.code}: {found}" for each in results for found in each.differences]


def never_one_too_many(seen: Observations) -> CheckResult:
    """Check the number of rows and serials; without faults, no coupon may be left over."""
    rows, quantity, due = len(seen.rows), seen.quantity, seen.coupons_due
    differences = []
    if rows > quantity:
        differences.append(f"{rows - quantity:,} more than there are coupons")
    elif seen.faults is None and rows != due:
        many = f"{rows - due:,} more than there are people"
        differences.append(many if rows > due else f"{due - rows:,} rows are missing")
    if seen.highest_count > quantity:
        differences.append(f"the count in Redis is {seen.highest_count:,}")
    serials = [row.serial for row in seen.rows]
    differences += naming_all(
        ("serials out of range", [n for n in serials if not 1 <= n <= quantity]),
        ("serials given twice", repeated(serials)),
    )
    about = f"{rows:,} rows in MySQL, {due:,} due"
    return CheckResult("Never one too many, none left over", about, tuple(differences), "P1")


def one_per_person(seen: Observations) -> CheckResult:
    """Check that no user has two rows; valid at any moment of a run."""
    differences = naming_all(("more than one coupon", repeated(row.user for row in seen.rows)))
    people = len({row.user for row in seen.rows})
    return CheckResult("One per person", f"{people:,} different owners", differences, "P2")


def _accepted_means_issued(seen: Observations) -> CheckResult:
    serial_of, accepted = seen.serial_of, seen.users_with(ACCEPTED)
    unsure = seen.users_with(UNDECIDED)
    if seen.faults:
        unsure |= seen.users_with(ACCEPTED, ALREADY_APPLIED)
    differences = naming_all(
        ("got ACCEPTED, and no row", _without_row(seen, ACCEPTED)),
        ("got another serial than the row's", _with_other_serial(seen, ACCEPTED)),
        ("got SOLD_OUT, and a row", seen.users_with(SOLD_OUT) & serial_of.keys() - unsure),
        ("got a serial, and then SOLD_OUT", rejected_winners(seen)),
    )
    if seen.faults is None:
        acceptances = [each.user for each in seen.responses if each.outcome == ACCEPTED]
        differences += naming_all(
            ("a row, and never got ACCEPTED", serial_of.keys() - accepted - set(seen.others)),
            ("got ACCEPTED more than once", repeated(acceptances)),
        )
    elif seen.users_with(SOLD_OUT) and len(seen.rows) != seen.quantity and not seen.faults.rebuilt:
        differences += (f"sold out with {len(seen.rows):,} of {seen.quantity:,} coupons",)
    about = f"{len(accepted):,} got ACCEPTED, {len(serial_of):,} own a row"
    return CheckResult("Accepted means issued", about, differences, "P3")


def _first_come_first_served(seen: Observations) -> CheckResult:
    faults, rows = seen.faults, sorted(seen.rows, key=lambda row: row.serial)
    serials = [row.serial for row in rows]
    late = [
        later.user
        for earlier, later in pairwise(rows)
        if later.admitted_at_ms < earlier.admitted_at_ms
    ]
    if faults and (faults.rebuilt or faults.wrong_times or faults.redriven):
        late = []
    complete = set(serials) if faults else set(range(1, len(rows) + 1))
    differences = naming_all(
        ("serials missing or out of sequence", set(serials) ^ complete),
        ("admitted before a user with a lower serial", late),
        ("a lower serial than one who had read it before they applied", overtaken(seen)),
        ("accepted, and applied after another had read SOLD_OUT", sold_out_too_early(seen)),
    )
    about = f"serials {serials[0]:,} to {serials[-1]:,}" if serials else "no serials"
    if not differences:
        about += ", in the order of admission"
    return CheckResult("First come, first served", about, differences, "P4")


def _same_reply_again(seen: Observations) -> CheckResult:
    count = sum(each.outcome == ALREADY_APPLIED for each in seen.responses)
    differences = naming_all(
        ("got ALREADY_APPLIED, and no row", _without_row(seen, ALREADY_APPLIED)),
        ("got ALREADY_APPLIED with another serial", _with_other_serial(seen, ALREADY_APPLIED)),
    )
    return CheckResult(
        "Ask again, same response", f"{count:,} got ALREADY_APPLIED", differences, "P3"
    )


def _nothing_disappears(seen: Observations) -> CheckResult:
    lost_records = seen.faults.lost_records if seen.faults else 0
    counts = {
        "records in failed_event": seen.failed_events,
        "admissions still pending in Redis": seen.pending,
        "records are neither coupons nor in failed_event": lost_records,
    }
    differences = tuple(f"{count:,} {what}" for what, count in counts.items() if count)
    about = f"{seen.failed_events:,} failed, {seen.pending:,} still on their way"
    return CheckResult("Nothing disappears", about, differences, "P5")


def every_request_gets_response(seen: Observations) -> CheckResult:
    """Check that each response is one that an open campaign gives; valid at any moment."""
    allowed = EXPECTED if seen.faults is None else (*EXPECTED, UNDECIDED)
    wrong = Counter(each.outcome for each in seen.responses if each.outcome not in allowed)
    differences = [f"{count:,} x {outcome}" for outcome, count in wrong.most_common()]
    if seen.faults is None and len(seen.responses) != seen.requests:
        differences.append(f"{len(seen.responses):,} responses to {seen.requests:,} requests")
    differences += naming_all(("without a response", seen.unanswered))
    about = f"{len(seen.responses) - wrong.total():,} of {seen.requests:,} as expected"
    return CheckResult("All get a response", about, tuple(differences), "P6")


def _without_row(seen: Observations, outcome: str) -> list[str]:
    missing = seen.users_with(outcome) - seen.serial_of.keys()
    if seen.faults is None:
        return sorted(missing)
    reasons = seen.faults.redriven
    return [f"{user} ({reasons[user]})" if user in reasons else user for user in sorted(missing)]


def _with_other_serial(seen: Observations, outcome: str) -> set[str]:
    """Return the users whose row has another serial than their responses of this `outcome`."""
    serial_of = seen.serial_of
    promised = [each for each in seen.responses if each.serial is not None]
    wrong = {
        each.user
        for each in promised
        if each.outcome == outcome and serial_of.get(each.user, each.serial) != each.serial
    }
    if seen.faults:
        # A user whose record collided with one that is not ours may get another one.
        wrong -= seen.faults.redriven.keys()
    return wrong


def repeated(values: Iterable[Value]) -> list[Value]:
    """Return the values that occur more than once, in order."""
    return sorted(value for value, count in Counter(values).items() if count > 1)


def naming_all(*found: tuple[str, Collection[Any]]) -> tuple[str, ...]:
    """Return e.g. "2 x got SOLD_OUT, and a row: user-7, user-9" for each that occurred."""
    return tuple(_naming(what, sorted(examples)) for what, examples in found if examples)


def _naming(what: str, examples: Sequence[object]) -> str:
    named = ", ".join(map(str, examples[:EXAMPLES_MAX]))
    return f"{len(examples):,} x {what}: {named}{', …' if len(examples) > EXAMPLES_MAX else ''}"
