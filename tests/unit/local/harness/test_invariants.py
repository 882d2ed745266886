"""The demo's checks: a good run passes, and every broken promise is named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.demo.metrics import Run, metrics, percentile
from local.harness.invariants import check
from local.harness.observations import Observations, Row
from local.harness.responses import (
    ACCEPTED,
    ALREADY_APPLIED,
    NO_RESPONSE,
    SOLD_OUT,
    ApplyResponse,
    parse_response,
)

QUANTITY, USERS = 100, 120


def response(user: str, outcome: str, serial: int | None = None) -> ApplyResponse:
    return ApplyResponse(user, outcome, serial, 200, 0.0, 0.01)


def row(serial: int, user: str | None = None) -> Row:
    return Row(user or f"user-{serial}", serial, 1_000 + serial)


def observed(
    responses: list[ApplyResponse], rows: list[Row], users: int, requests: int
) -> Observations:
    highest = len(rows)
    return Observations(
        QUANTITY, responses, rows, people=users, requests=requests, highest_count=highest
    )


def good_run() -> Observations:
    """100 of 120 users win; user-1 applies twice."""
    winners = [response(f"user-{n}", ACCEPTED, n) for n in range(1, QUANTITY + 1)]
    others = [response(f"user-{n}", SOLD_OUT) for n in range(QUANTITY + 1, USERS + 1)]
    responses = [*winners, *others, response("user-1", ALREADY_APPLIED, 1)]
    rows = [row(n) for n in range(1, QUANTITY + 1)]
    return observed(responses, rows, USERS, len(responses))


def differences(seen: Observations) -> dict[str, tuple[str, ...]]:
    return {f.promise: f.differences for f in check(seen) if not f.kept}


def test_a_run_that_kept_every_promise_has_no_differences() -> None:
    assert differences(good_run()) == {}


def test_with_fewer_users_than_coupons_all_users_have_one() -> None:
    responses = [response(f"user-{n}", ACCEPTED, n) for n in (1, 2, 3)]
    few = observed(responses, [row(n) for n in (1, 2, 3)], 3, 3)
    assert differences(few) == {}
    assert differences(replace(few, rows=few.rows[:2]))


def test_one_row_too_many_is_named() -> None:
    run = good_run()
    found = differences(replace(run, rows=[*run.rows, row(101)]))
    assert found["Never one too many, none left over"] == (
        "1 more than there are coupons",
        "1 x serials out of range: 101",
    )
    assert "user-101" in found["Accepted means issued"][0]


def test_a_missing_row_is_named_with_the_user_it_was_promised_to() -> None:
    run = good_run()
    found = differences(replace(run, rows=run.rows[:-1]))
    assert found["Never one too many, none left over"] == ("1 rows are missing",)
    assert found["Accepted means issued"] == ("1 x got ACCEPTED, and no row: user-100",)


def test_an_accepted_user_without_a_row_is_named_although_the_number_of_rows_is_right() -> None:
    run = good_run()
    found = differences(replace(run, rows=[*run.rows[:-1], row(100, "user-120")]))
    assert found["Accepted means issued"] == (
        "1 x got ACCEPTED, and no row: user-100",
        "1 x got SOLD_OUT, and a row: user-120",
        "1 x a row, and never got ACCEPTED: user-120",
    )


def test_a_user_with_two_coupons_is_named() -> None:
    run = good_run()
    found = differences(replace(run, rows=[*run.rows[:-1], row(100, "user-7")]))
    assert found["One per person"] == ("1 x more than one coupon: user-7",)


def test_a_serial_other_than_the_promised_one_is_named() -> None:
    run = good_run()
    swapped = [row(1, "user-2"), row(2, "user-1"), *run.rows[2:]]
    found = differences(replace(run, rows=swapped))
    assert found["Accepted means issued"] == (
        "2 x got another serial than the row's: user-1, user-2",
    )
    assert "user-1" in found["Ask again, same response"][0]


@pytest.mark.parametrize("serial", [0, 101, 5])
def test_serials_with_a_gap_or_a_double_are_named(serial: int) -> None:
    run = good_run()
    odd = [*run.rows[:-1], replace(run.rows[-1], serial=serial)]
    responses = [replace(a, serial=serial) if a.serial == QUANTITY else a for a in run.responses]
    assert differences(replace(run, rows=odd, responses=responses)).keys() >= {
        "First come, first served"
    }


def test_a_serial_out_of_the_order_of_admission_is_named() -> None:
    run = good_run()
    rows = [*run.rows[:-1], replace(run.rows[-1], admitted_at_ms=0)]
    assert differences(replace(run, rows=rows)) == {
        "First come, first served": ("1 x admitted before a user with a lower serial: user-100",)
    }


@pytest.mark.parametrize(
    ("repeat", "difference"),
    [
        (response("user-1", ALREADY_APPLIED, 2), "got ALREADY_APPLIED with another serial"),
        (response("user-120", ALREADY_APPLIED, 2), "got ALREADY_APPLIED, and no row"),
    ],
)
def test_a_repeat_with_a_different_response_is_named(
    repeat: ApplyResponse, difference: str
) -> None:
    run = good_run()
    found = differences(replace(run, responses=[*run.responses[:-1], repeat]))
    assert found == {"Ask again, same response": (f"1 x {difference}: {repeat.user}",)}


def test_a_user_accepted_twice_is_named() -> None:
    run = good_run()
    again = response("user-1", ACCEPTED, 1)
    found = differences(replace(run, responses=[*run.responses[:-1], again]))
    assert found == {"Accepted means issued": ("1 x got ACCEPTED more than once: user-1",)}


@pytest.mark.parametrize("outcome", ["503 UNAVAILABLE", "no answer (ConnectionResetError)"])
def test_a_response_that_no_open_campaign_gives_is_named(outcome: str) -> None:
    run = good_run()
    odd = replace(response("user-120", outcome), status=NO_RESPONSE)
    found = differences(replace(run, responses=[*run.responses, odd], requests=run.requests + 1))
    assert found == {"All get a response": (f"1 x {outcome}",)}


def test_a_request_without_a_recorded_response_is_named() -> None:
    run = good_run()
    found = differences(replace(run, requests=run.requests + 1))
    assert found == {"All get a response": ("121 responses to 122 requests",)}


def test_failed_and_pending_events_are_named() -> None:
    found = differences(replace(good_run(), failed_events=1, pending=2))
    assert found == {
        "Nothing disappears": (
            "1 records in failed_event",
            "2 admissions still pending in Redis",
        )
    }


def test_a_count_in_redis_above_the_quantity_is_named() -> None:
    found = differences(replace(good_run(), highest_count=101))
    assert found == {"Never one too many, none left over": ("the count in Redis is 101",)}


def test_no_responses_and_no_rows_are_reported_without_a_crash() -> None:
    nothing = observed([], [], USERS, 10)
    assert differences(nothing).keys() == {
        "Never one too many, none left over",
        "All get a response",
    }


def body(**fields: object) -> bytes:
    return json.dumps({"campaign_id": "c", "user_id": "u", **fields}).encode()


@pytest.mark.parametrize(
    ("status", "content", "outcome", "serial"),
    [
        (202, body(outcome="ACCEPTED", serial=3), ACCEPTED, 3),
        (200, body(outcome="ALREADY_APPLIED", serial=3), ALREADY_APPLIED, 3),
        (409, body(code="SOLD_OUT"), SOLD_OUT, None),
        (409, body(code="CLOSED"), "409 CLOSED", None),
        (503, body(code="UNAVAILABLE"), "503 UNAVAILABLE", None),
        (200, body(outcome="ACCEPTED", serial=3), "200 ACCEPTED", None),
        (202, body(outcome="ACCEPTED", serial="3"), "202 without a serial", None),
        (202, body(outcome="ACCEPTED", serial=True), "202 without a serial", None),
        (
            202,
            body(outcome="ACCEPTED", serial=3, user_id="v"),
            "202 meant for another user",
            None,
        ),
        (202, b"<html>", "202 unexpected", None),
        (502, b"[]", "502 unexpected", None),
    ],
)
def test_a_response_counts_only_in_its_promised_shape(
    status: int, content: bytes, outcome: str, serial: int | None
) -> None:
    assert parse_response(status, content, "c", "u") == (outcome, serial)


def test_a_percentile_is_a_value_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, p) for p in (50, 95, 99)] == [50.0, 95.0, 99.0]
    assert percentile([7.0], 99) == 7.0


def test_the_metrics_count_unexpected_responses_as_errors() -> None:
    run = good_run()
    responses = [*run.responses[:-1], response("user-1", "503 UNAVAILABLE")]
    record = metrics(
        Run("c", "embedded", replace(run, responses=responses), 121, [(0.5, 100)], 0.5)
    )
    assert record["answers"] == {
        ACCEPTED: 100,
        ALREADY_APPLIED: 0,
        SOLD_OUT: 20,
        "503 UNAVAILABLE": 1,
    }
    assert record["errors"] == 1
    assert record["latency_ms"]["all"]["p50"] == 10.0
    assert record["rows_complete_after_s"] == 0.5
