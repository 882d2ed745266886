"""The checks of a load test: a good run passes, and every broken promise is named."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from local.harness.observations import Row
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, NO_RESPONSE, SOLD_OUT, ApplyResponse
from local.load.invariants import NO_DECISION, FinalState, check_load, decisions, lateness
from local.load.progress import progress
from local.load.responses import (
    ISSUED,
    NOT_OPEN,
    PENDING,
    UNAVAILABLE,
    Endpoint,
    ParsedResponse,
    ResponseKind,
)
from local.load.session_log import LoadResult, Timing, UserSession
from local.load.summary import metrics, summary

if TYPE_CHECKING:
    from pathlib import Path

QUANTITY, OPENS_MS = 2, 1_000_000


def response(
    user: str, outcome: str, serial: int | None = None, status: int = 200
) -> ApplyResponse:
    return ApplyResponse(user, outcome, serial, status, 0.1, 0.2)


def lost(user: str) -> ApplyResponse:
    return response(user, "no answer (hung up)", status=NO_RESPONSE)


def winner(user: str, serial: int, *before: ApplyResponse) -> UserSession:
    responses = [*before, response(user, ACCEPTED, serial)]
    return UserSession(user, responses, ISSUED, serial, f"CODE-{serial}", 1.5, left=True)


def good_run() -> LoadResult:
    """Two win, one of them after a lost response; one applies in vain."""
    late = UserSession(
        "b", [lost("b"), response("b", ALREADY_APPLIED, 2)], ISSUED, 2, "CODE-2", 2.5, left=True
    )
    early = replace(response("c", NOT_OPEN, status=409), sent_s=-0.2, latency_s=-0.1)
    loser = UserSession("c", [early, response("c", SOLD_OUT, status=409)], looks=3, left=True)
    timing = Timing("POST /campaigns/{id}/apply", 4, 0, 10, 20, 30, 40)
    return LoadResult("load-1", QUANTITY, OPENS_MS, [winner("a", 1), late, loser], [timing])


def good_final_state() -> FinalState:
    rows = [Row("a", 1, OPENS_MS), Row("b", 2, OPENS_MS + 1)]
    return FinalState(rows, {"a": (1, "CODE-1"), "b": (2, "CODE-2")}, 2, 0, 0)


def differences(load: LoadResult, final: FinalState | None = None) -> dict[str, tuple[str, ...]]:
    results = check_load(load, final or good_final_state())
    return {each.promise: each.differences for each in results if not each.kept}


def with_session(number: int, session: UserSession) -> LoadResult:
    load = good_run()
    load.sessions[number] = session
    return load


def test_a_run_that_kept_every_promise_has_no_differences() -> None:
    assert differences(good_run()) == {}


def test_with_fewer_users_than_coupons_all_users_win() -> None:
    load = replace(good_run(), quantity=9)
    del load.sessions[2]
    assert differences(load) == {}


def test_one_row_too_many_is_named() -> None:
    rows = [*good_final_state().rows, Row("c", 3, OPENS_MS)]
    found = differences(good_run(), replace(good_final_state(), rows=rows))
    assert found["Never one too many, none left over"] == (
        "1 more than there are coupons",
        "1 x serials out of range: 3",
    )
    assert "got SOLD_OUT, and a row: c" in " ".join(found["Accepted means issued"])
    assert "not in both: c" in found["Every winner holds a code"][0]


def test_an_acceptance_without_a_row_is_named() -> None:
    end = good_final_state()
    found = differences(good_run(), replace(end, rows=end.rows[:1], issued={"a": (1, "CODE-1")}))
    assert found["Accepted means issued"] == ("1 x got ACCEPTED, and no row: b",)
    assert "another code than in the administrator's list: b" in str(found)


def test_already_applied_is_right_only_after_a_lost_response() -> None:
    session = good_run().sessions[1]
    for before in (lost("b"), response("b", UNAVAILABLE, status=503)):
        assert (
            differences(with_session(1, replace(session, responses=[before, session.responses[1]])))
            == {}
        )
    found = differences(with_session(1, replace(session, responses=session.responses[1:])))
    assert found["Only promised responses"] == ("1 x ALREADY_APPLIED at the first apply: b",)
    early = response("b", NOT_OPEN, status=409)
    refused = differences(
        with_session(1, replace(session, responses=[early, session.responses[1]]))
    )
    assert refused["Accepted means issued"] == ("1 x a row, and never got ACCEPTED: b",)


def test_another_serial_after_a_lost_response_is_named() -> None:
    session = good_run().sessions[1]
    found = differences(
        with_session(1, replace(session, responses=[lost("b"), response("b", ACCEPTED, 1)]))
    )
    assert "got another serial than the row's: b" in found["Accepted means issued"][0]
    assert found["Every winner holds a code"] == ("1 x received one serial, and then another: b",)


def test_a_winner_without_a_code_is_named() -> None:
    pending = replace(good_run().sessions[0], state=PENDING, code=None)
    found = differences(with_session(0, pending))
    assert found == {"Every winner holds a code": ("1 x received a serial, and no code: a",)}


def test_a_code_that_was_issued_after_its_winner_had_left_is_late_and_not_missing() -> None:
    load = with_session(0, replace(winner("a", 1), state=PENDING, code=None, seen_s=60.0))
    final = replace(good_final_state(), issued_at_ms={"a": OPENS_MS + 70_000})
    assert differences(load, final) == {}
    assert lateness(load, final) == ("1 winners left before their code was there",)
    # The control: it was there while the user asked, and was not shown.
    shown = replace(final, issued_at_ms={"a": OPENS_MS + 50_000})
    assert differences(load, shown)["Every winner holds a code"]
    assert lateness(load, shown) == ()
    slow = replace(good_final_state(), lateness="the last one arrived after 95 s")
    assert lateness(good_run(), slow) == ("the last one arrived after 95 s",)


def test_a_code_other_than_the_shops_is_named() -> None:
    found = differences(with_session(0, replace(good_run().sessions[0], code="CODE-X")))
    assert found == {
        "Every winner holds a code": ("1 x another code than in the administrator's list: a",)
    }


def test_a_code_given_twice_is_named() -> None:
    end = replace(good_final_state(), issued={"a": (1, "CODE-1"), "b": (2, "CODE-1")})
    found = differences(good_run(), end)
    assert "1 x codes given twice: CODE-1" in found["Every winner holds a code"]


def test_an_admission_before_the_opening_is_named() -> None:
    rows = [Row("a", 1, OPENS_MS - 1), good_final_state().rows[1]]
    assert differences(good_run(), replace(good_final_state(), rows=rows)) == {
        "Not before the opening": ("1 x admitted before the opening: a",)
    }


def test_a_decision_before_the_opening_and_not_open_after_it_are_named() -> None:
    early = replace(response("c", SOLD_OUT, status=409), sent_s=-3.0, latency_s=-2.9)
    late = replace(response("c", NOT_OPEN, status=409), sent_s=3.0, latency_s=3.1)
    found = differences(with_session(2, UserSession("c", [early, late], left=True)))
    assert found == {
        "Only promised responses": (
            "1 x NOT_OPEN after the opening: c",
            "1 x a decision before the opening: c",
        ),
        "First come, first served": (
            "2 x accepted, and applied after another had read SOLD_OUT: a, b",
        ),
    }


def test_a_lost_response_counts_from_when_its_request_was_sent() -> None:
    hung_up = replace(lost("b"), sent_s=0.1, latency_s=0.6)
    again = replace(response("b", ALREADY_APPLIED, 2), sent_s=0.7, latency_s=0.8)
    [decision] = decisions(UserSession("b", [hung_up, again]))
    assert (decision.outcome, decision.sent_s, decision.latency_s) == (ACCEPTED, 0.1, 0.8)


def test_a_user_who_left_without_a_decision_is_counted() -> None:
    for responses in ([], [lost("c")], [response("c", UNAVAILABLE, status=503)]):
        found = differences(with_session(2, UserSession("c", responses, left=True)))
        assert found == {"All get a response": (f"1 x {NO_DECISION}",)}


def test_a_response_that_no_user_should_get_is_counted() -> None:
    session = good_run().sessions[2]
    session.note(
        Endpoint.CAMPAIGN, ParsedResponse(1, ResponseKind.WRONG, "500 INTERNAL", 500), 1, 1
    )
    found = differences(with_session(2, session))
    assert found == {"Only promised responses": ("1 x GET /campaigns/{id}: 500 INTERNAL",)}
    session.note(Endpoint.APPLY, ParsedResponse(2, ResponseKind.WRONG, "500 INTERNAL", 500), 1, 1)
    assert "1 x 500 INTERNAL" in differences(with_session(2, session))["All get a response"]


def test_responses_are_recorded_with_times_from_the_opening() -> None:
    session = UserSession("u")
    session.note(
        Endpoint.CAMPAIGN,
        ParsedResponse(99.0, ResponseKind.ANSWERED, "SCHEDULED", 200),
        98.5,
        100.0,
    )
    session.note(
        Endpoint.APPLY,
        ParsedResponse(100.5, ResponseKind.ANSWERED, ACCEPTED, 202, serial=1),
        100.25,
        100.0,
    )
    session.note(
        Endpoint.COUPON,
        ParsedResponse(101.5, ResponseKind.ANSWERED, ISSUED, 200, serial=1, code="X"),
        101,
        100.0,
    )
    assert session.looks == 1
    assert session.responses == [ApplyResponse("u", ACCEPTED, 1, 202, 0.25, 0.5)]
    assert (session.state, session.serial, session.code, session.seen_s) == (ISSUED, 1, "X", 1.5)


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = good_run().write(tmp_path)
    assert LoadResult.read(file) == good_run()
    assert [path.name for path in tmp_path.iterdir()] == ["day-load-1.json"]
    assert good_run().ended
    assert not with_session(0, UserSession("a")).ended


def test_the_summary_names_outcomes_times_and_what_went_wrong() -> None:
    load = with_session(0, replace(good_run().sessions[0], code="CODE-X"))
    results = check_load(load, good_final_state())
    console = Console(file=io.StringIO(), width=100)
    console.print(summary(load, results))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("3 users", "looked 3 times", "SOLD_OUT", "POST /campaigns/{id}/apply", "CODE"):
        assert part.casefold() in shown.casefold()
    assert "Broken: not every promise was kept." in shown
    record = metrics(load, results)
    assert not record["kept"]
    assert (record["presses"], record["last_code_after_s"]) == (5, 2.5)


def test_progress_counts_before_and_after_the_opening() -> None:
    sessions = [*good_run().sessions, UserSession("d")]
    assert progress(sessions, -4.0) == "  4 s to the opening: 4 users, 3 looks"
    assert progress(sessions, 4.0) == (
        "  4 s after it: 2 won, 2 hold a code, 1 sold out, 1 without an answer, 3 left"
    )
