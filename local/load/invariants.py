"""Were the promises kept? A pure function over what users received and what is stored."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from local.harness.invariants import CheckResult, check, naming_all, repeated
from local.harness.observations import Observations
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, EXPECTED, NO_RESPONSE, ApplyResponse
from local.load.responses import ISSUED, NOT_OPEN, RETRY_OUTCOMES, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.harness.observations import Row
    from local.load.session_log import LoadResult, UserSession

# Redis's clock decides on the opening; the users' clocks may differ by this much.
CLOCKS_APART_S = 1.0
NO_DECISION = "left without a decision"


@dataclass(frozen=True, slots=True)
class FinalState:
    """What is stored in MySQL and Redis after the test."""

    rows: Sequence[Row]
    issued: Mapping[str, tuple[int, str]]  # user to serial and code: the administrator's list
    highest_count: int
    pending: int
    failed_events: int
    lateness: str = ""  # a clause about admissions that arrived after the time for it
    issued_at_ms: Mapping[str, int] = field(default_factory=dict)


def lateness(load: LoadResult, final: FinalState) -> tuple[str, ...]:
    """Return a clause for each thing that came late, and came."""
    late = _issued_after_they_left(load, final)
    clauses = [f"{len(late):,} winners left before their code was there"] if late else []
    return (*clauses, final.lateness) if final.lateness else tuple(clauses)


def check_load(load: LoadResult, final: FinalState) -> tuple[CheckResult, ...]:
    """Return a result for each promise: the demo's, and those of a load test."""
    received = [each for session in load.sessions for each in decisions(session)]
    seen = Observations(
        load.quantity,
        received,
        final.rows,
        people=len(load.sessions),
        requests=len(received),
        highest_count=final.highest_count,
        pending=final.pending,
        failed_events=final.failed_events,
    )
    return (
        *check(seen),
        _not_before_the_opening(load, final),
        _every_winner_holds_a_code(load, final),
        _only_promised_responses(load),
    )


def decisions(session: UserSession) -> Iterator[ApplyResponse]:
    """Yield the final responses to this user, as if no response had been lost.

    An ALREADY_APPLIED that follows a lost response counts as the ACCEPTED that was in it, sent when
    that one was.
    """
    maybe = has_serial = False
    sent_s = math.inf
    for each in session.responses:
        if each.outcome == ALREADY_APPLIED and maybe and not has_serial:
            yield replace(each, outcome=ACCEPTED, sent_s=sent_s)
        elif each.status != NO_RESPONSE and each.outcome not in RETRY_OUTCOMES:
            yield each
        if _may_have_admitted(each):
            maybe, sent_s = True, min(sent_s, each.sent_s)
        has_serial = has_serial or each.serial is not None
    if not any(each.outcome in EXPECTED for each in session.responses):
        yield ApplyResponse(session.user, NO_DECISION, None, NO_RESPONSE, 0.0, 0.0)


def _may_have_admitted(response: ApplyResponse) -> bool:
    """Whether the user may be admitted although no response named the serial."""
    return response.status == NO_RESPONSE or response.outcome == UNAVAILABLE


def _not_before_the_opening(load: LoadResult, final: FinalState) -> CheckResult:
    early = [row.user for row in final.rows if row.admitted_at_ms < load.opens_at_ms]
    first_ms = min((row.admitted_at_ms for row in final.rows), default=None)
    after = (
        "no user" if first_ms is None else f"the first {first_ms - load.opens_at_ms:,} ms after it"
    )
    differences = naming_all(("admitted before the opening", early))
    return CheckResult("Not before the opening", f"admitted: {after}", differences)


def _every_winner_holds_a_code(load: LoadResult, final: FinalState) -> CheckResult:
    received = {session.user: serials(session) for session in load.sessions}
    winners = [session for session in load.sessions if received[session.user]]
    issued, rows = final.issued, {row.user: row.serial for row in final.rows}
    late = _issued_after_they_left(load, final)
    found = {
        "received a serial, and no code": [
            v.user for v in winners if v.state != ISSUED and v.user not in late
        ],
        "received one serial, and then another": [
            v.user for v in winners if v.state and received[v.user] != {v.serial}
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


def _issued_after_they_left(load: LoadResult, final: FinalState) -> set[str]:
    """Return the winners whose code was issued when they no longer asked for it.

    One that was there while they asked, and was not shown, is not late but a broken promise.
    """

    def left_before(session: UserSession) -> bool:
        asked_ms = load.opens_at_ms + ((session.seen_s or 0) + CLOCKS_APART_S) * 1000
        return final.issued_at_ms.get(session.user, 0) > asked_ms

    return {
        session.user
        for session in load.sessions
        if session.state != ISSUED
        and final.issued.get(session.user, (None,))[0] in serials(session)
        and left_before(session)
    }


def serials(session: UserSession) -> set[int]:
    """Return every serial that this user received; more than one is one too many."""
    return {each.serial for each in session.responses if each.serial is not None}


def _only_promised_responses(load: LoadResult) -> CheckResult:
    attempts = [session.responses for session in load.sessions]
    responses = list(chain.from_iterable(attempts))
    wrong = Counter(text for session in load.sessions for text in session.wrong)
    found = {
        "ALREADY_APPLIED at the first apply": [
            each[0].user for each in attempts if each and each[0].outcome == ALREADY_APPLIED
        ],
        "NOT_OPEN after the opening": [
            a.user for a in responses if a.outcome == NOT_OPEN and a.sent_s > CLOCKS_APART_S
        ],
        "a decision before the opening": [
            a.user for a in responses if a.outcome in EXPECTED and a.latency_s < -CLOCKS_APART_S
        ],
    }
    differences = tuple(f"{count:,} x {text}" for text, count in wrong.most_common())
    seen = f"{wrong.total():,} others" if wrong else "no others"
    return CheckResult("Only promised responses", seen, differences + naming_all(*found.items()))
