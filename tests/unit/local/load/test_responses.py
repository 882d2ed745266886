"""How users of the load test read a response, and which ones they should never get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.harness.responses import ACCEPTED, NO_RESPONSE, SOLD_OUT
from local.load.responses import (
    ISSUED,
    PENDING,
    Endpoint,
    ParsedResponse,
    RawResponse,
    ResponseKind,
    read,
)

PAGE = {"id": "c", "state": "SCHEDULED", "opens_at": "2026-11-22T03:00:00.500Z"}
FRESH = {"Cache-Control": "max-age=1"}


def seen(
    call: Endpoint, status: int, fields: Any, headers: dict[str, str] | None = None, error: str = ""
) -> ParsedResponse:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return read(call, RawResponse(5.0, status, headers or {}, body, error), "c", "u")


def test_the_page_says_when_it_opens_and_how_long_it_stays_as_it_is() -> None:
    page = seen(Endpoint.CAMPAIGN, 200, PAGE, FRESH)
    assert (page.sort, page.outcome, page.wait_s) == (ResponseKind.ANSWERED, "SCHEDULED", 1.0)
    assert page.opens_at_s == 1795316400.5


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        (PAGE, {}),
        (PAGE | {"id": "another"}, FRESH),
        (PAGE | {"state": "SOON"}, FRESH),
        (PAGE | {"opens_at": "tomorrow"}, FRESH),
        (PAGE | {"opens_at": None}, FRESH),
        (PAGE | {"state": []}, FRESH),
        (b"<html>", FRESH),
        ([], FRESH),
    ],
)
def test_a_page_counts_only_in_its_promised_shape(fields: Any, headers: dict[str, str]) -> None:
    assert seen(Endpoint.CAMPAIGN, 200, fields, headers).sort is ResponseKind.WRONG


def test_an_acceptance_has_its_serial() -> None:
    body = {"campaign_id": "c", "user_id": "u", "outcome": "ACCEPTED", "serial": 3}
    parsed = seen(Endpoint.APPLY, 202, body)
    assert (parsed.sort, parsed.outcome, parsed.serial) == (ResponseKind.ANSWERED, ACCEPTED, 3)
    assert seen(Endpoint.APPLY, 202, body | {"user_id": "v"}).sort is ResponseKind.WRONG
    assert seen(Endpoint.APPLY, 409, {"code": "SOLD_OUT"}).outcome == SOLD_OUT


def test_a_client_that_must_wait_gets_the_seconds() -> None:
    for call, status, code in (
        (Endpoint.APPLY, 409, "NOT_OPEN"),
        (Endpoint.APPLY, 429, "TOO_MANY_REQUESTS"),
        (Endpoint.CAMPAIGN, 503, "UNAVAILABLE"),
        (Endpoint.COUPON, 503, "UNAVAILABLE"),
    ):
        parsed = seen(call, status, {"code": code}, {"Retry-After": "2"})
        assert (parsed.sort, parsed.outcome, parsed.wait_s) == (
            ResponseKind.RETRY,
            f"{status} {code}",
            2.0,
        )
        assert seen(call, status, {"code": code}).sort is ResponseKind.WRONG
    assert (
        seen(Endpoint.CAMPAIGN, 409, {"code": "NOT_OPEN"}, {"Retry-After": "2"}).sort
        is ResponseKind.WRONG
    )


@pytest.mark.parametrize(
    ("call", "status", "fields"),
    [
        (Endpoint.APPLY, 500, {"code": "INTERNAL"}),
        (Endpoint.APPLY, 401, {"code": "UNAUTHENTICATED"}),
        (Endpoint.APPLY, 502, b"<html>"),
        (Endpoint.CAMPAIGN, 404, {"code": "CAMPAIGN_NOT_FOUND"}),
        (Endpoint.COUPON, 404, {"code": "NOT_APPLIED"}),
        (Endpoint.COUPON, 200, {"status": "ISSUED", "serial": 3, "code": None}),
        (Endpoint.COUPON, 200, {"status": "ISSUED", "serial": "3", "code": "X"}),
        (Endpoint.COUPON, 200, {"status": "PENDING", "serial": 3, "code": "X"}),
        (Endpoint.COUPON, 200, {"status": [], "serial": 3, "code": None}),
        (Endpoint.COUPON, 200, {"status": "LOST", "serial": 3, "code": None}),
    ],
)
def test_any_other_response_is_wrong(call: Endpoint, status: int, fields: Any) -> None:
    assert seen(call, status, fields, {"Retry-After": "1"}).sort is ResponseKind.WRONG


def test_a_coupon_has_a_code_once_it_is_issued() -> None:
    issued = seen(Endpoint.COUPON, 200, {"status": "ISSUED", "serial": 3, "code": "X"})
    assert (issued.sort, issued.outcome, issued.code) == (ResponseKind.ANSWERED, ISSUED, "X")
    pending = seen(Endpoint.COUPON, 200, {"status": "PENDING", "serial": 3, "code": None})
    assert (pending.sort, pending.outcome, pending.serial) == (ResponseKind.ANSWERED, PENDING, 3)


def test_a_lost_response_says_why_and_asks_for_another_try() -> None:
    lost = seen(Endpoint.APPLY, NO_RESPONSE, b"", error="ConnectionResetError")
    assert (lost.sort, lost.outcome) == (ResponseKind.RETRY, "no answer (ConnectionResetError)")
