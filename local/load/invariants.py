"""Were the promises kept on that day? A pure function over what people saw and what stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.harness.invariants import CheckResult, check, naming_all, repeated
from local.harness.observations import Observations
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, EXPECTED, NO_RESPONSE, ApplyResponse
from local.load.responses import ISSUED, NOT_OPEN, PATIENCE, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.harness.observations import Row
    from local.load.session_log import LoadResult, UserSession

# Redis's clock decides on the opening; those of the people may differ by so much.
CLOCKS_APART_S = 1.0
NO_DECISION = "left without a decision"


@dataclass(frozen=True, slots=True)
class FinalState:
    """What is left of the day in MySQL and Redis."""

    rows: Sequence[Row]
    issued: Mapping[str, tuple[int, str]]  # user to serial and code: the administrator's list
    highest_count: int
    pending: int
    failed_events: int


def check_load(day: LoadResult, stands: FinalState) -> tuple[CheckResult, ...]:
    """Return a result for each promise; the demo's, and those of a longer day."""
    heard = [answer for session in day.sessions for answer in decisions(session)]
    seen = Observations(
        day.quantity,
        heard,
        stands.rows,
        people=len(day.sessions),
        requests=len(heard),
        highest_count=stands.highest_count,
        pending=stands.pending,
        failed_events=stands.failed_events,
    )
    return (
        *check(seen),
        _not_before_the_opening(day, stands),
        _every_winner_holds_a_code(day, stands),
        _only_promised_answers(day),
    )


def decisions(session: UserSession) -> Iterator[ApplyResponse]:
    """Yield what this person was told for good, as if no answer had been lost.

    An ALREADY_APPLIED that follows a lost answer stands for the ACCEPTED that was in it.
    """
    maybe = told = False
    for answer in session.answers:
        if answer.outcome == ALREADY_APPLIED and maybe and not told:
            yield replace(answer, outcome=ACCEPTED)
        elif answer.status != NO_RESPONSE and answer.outcome not in PATIENCE:
            yield answer
        maybe = maybe or _may_have_admitted(answer)
        told = told or answer.serial is not None
    if not any(answer.outcome in EXPECTED for answer in session.answers):
        yield ApplyResponse(session.user, NO_DECISION, None, NO_RESPONSE, 0.0, 0.0)


def _may_have_admitted(answer: ApplyResponse) -> bool:
    """Whether the place may be kept although nobody was told its serial."""
    return answer.status == NO_RESPONSE or answer.outcome == UNAVAILABLE


def _not_before_the_opening(day: LoadResult, stands: FinalState) -> CheckResult:
    early = [row.user for row in stands.rows if row.admitted_at_ms < day.opens_at_ms]
    first_ms = min((row.admitted_at_ms for row in stands.rows), default=None)
    after = (
        "nobody" if first_ms is None else f"the first {first_ms - day.opens_at_ms:,} ms after it"
    )
    differences = naming_all(("admitted before the opening", early))
    return CheckResult("Not before the opening", f"admitted: {after}", differences)


def _every_winner_holds_a_code(day: LoadResult, stands: FinalState) -> CheckResult:
    told = {session.user: serials(session) for session in day.sessions}
    winners = [session for session in day.sessions if told[session.user]]
    issued, rows = stands.issued, {row.user: row.serial for row in stands.rows}
    found = {
        "told a serial, and no code seen": [v.user for v in winners if v.state != ISSUED],
        "told one serial, and seen another": [
            v.user for v in winners if v.state and told[v.user] != {v.serial}
        ],
        "another code than in the administrator's list": [
            v.user for v in winners if v.code and issued.get(v.user) != (v.serial, v.code)
        ],
        "in MySQL or in the administrator's list, not in both": sorted(
            {user for user, (serial, _) in issued.items() if rows.get(user) != serial}
            | (rows.keys() - issued.keys())
        ),
        "codes given twice": repeated(code for _, code in issued.values()),
    }
    seen = f"{sum(v.state == ISSUED for v in winners):,} of {len(winners):,} winners"
    return CheckResult("Every winner holds a code", seen, naming_all(*found.items()))


def serials(session: UserSession) -> set[int]:
    """Return every serial that this person was told; more than one is one too many."""
    return {answer.serial for answer in session.answers if answer.serial is not None}


def _only_promised_answers(day: LoadResult) -> CheckResult:
    answers = [answer for session in day.sessions for answer in session.answers]
    wrong = Counter(about for session in day.sessions for about in session.wrong)
    found = {
        "told ALREADY_APPLIED at the first press": [
            v.user for v in day.sessions if v.answers and v.answers[0].outcome == ALREADY_APPLIED
        ],
        "told NOT_OPEN after the opening": [
            a.user for a in answers if a.outcome == NOT_OPEN and a.sent_s > CLOCKS_APART_S
        ],
        "a decision before the opening": [
            a.user for a in answers if a.outcome in EXPECTED and a.latency_s < -CLOCKS_APART_S
        ],
    }
    differences = tuple(f"{count:,} x {about}" for about, count in wrong.most_common())
    seen = f"{wrong.total():,} others" if wrong else "no others"
    return CheckResult("Only promised answers", seen, differences + naming_all(*found.items()))
