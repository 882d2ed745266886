"""What compares the answers in tests with the document notices every kind of difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.domain.webhook_event import WebhookEvent, WebhookEventKind
from handlers.domain.webhook_signature import WebhookSecrets
from handlers.openapi import openapi_handler
from tests.support.described import UndescribedError, check_answer, complaints_about_delivery

APPLY = "/campaigns/welcome/apply"
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
PROBLEM = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
ACCEPTED = {"campaign_id": "welcome", "user_id": "42", "outcome": "ACCEPTED", "serial": 7}


def problem(status: int, code: str, **more: object) -> dict[str, Any]:
    common = {"type": "about:blank", "title": "", "detail": "", "request_id": "1"}
    return {**common, "status": status, "code": code, **more}


def test_an_answer_as_it_is_described_passes() -> None:
    check_answer("POST", APPLY, 202, JSON, ACCEPTED)
    check_answer("POST", "/campaigns/{id}/apply", 202, JSON, ACCEPTED)
    sold_out = problem(409, "SOLD_OUT")
    check_answer("POST", APPLY, 409, PROBLEM, sold_out)
    check_answer("POST", APPLY, 409, PROBLEM | {"Retry-After": "3"}, problem(409, "NOT_OPEN"))
    check_answer("HEAD", "/health", 200, JSON, "")
    check_answer("GET", "/nothing", 404, PROBLEM, problem(404, "NOT_FOUND"))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (202, JSON, ACCEPTED | {"serial": "7"}),
        (202, JSON, ACCEPTED | {"more": 1}),
        (202, JSON, {"campaign_id": "welcome"}),
        (202, JSON | {"Retry-After": "1"}, ACCEPTED),
        (202, JSON | {"Content-Type": "text/plain"}, "ACCEPTED"),
        (202, {"Content-Type": "application/json"}, ACCEPTED),
        (201, JSON, ACCEPTED),
        (502, JSON, {"message": "Internal server error"}),
        (409, PROBLEM, problem(409, "CAMPAIGN_EXISTS")),
        (409, PROBLEM, problem(404, "SOLD_OUT")),
        (409, PROBLEM, problem(409, "SOLD_OUT", more="")),
        (409, PROBLEM | {"Retry-After": "soon"}, problem(409, "NOT_OPEN")),
        (503, PROBLEM, problem(503, "UNAVAILABLE")),
        (401, PROBLEM, problem(401, "UNAUTHENTICATED")),
        (404, JSON, problem(404, "NOT_FOUND")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_is_not_described_is_noticed(
    status: int, headers: dict[str, str], body: object
) -> None:
    with pytest.raises(UndescribedError):
        check_answer("POST", APPLY, status, headers, body)


REDEEMED = {"order_id": "order-1", "change": "USED"}


def delivery(kind: str = "coupon.redeemed", **detail: object) -> tuple[dict[str, str], str]:
    """Return headers and body of a request to a webhook, as the service makes them."""
    event = WebhookEvent("coupon_redeemed:welcome:7:31", kind, 0, "welcome", 7, None, "42", detail)
    signed = WebhookSecrets("root").headers("wh", (1, 2), event.id, 1_763_780_400, event.body())
    return {"content-type": "application/json", "accept": "*/*", **signed}, event.body().decode()


def test_a_delivery_as_it_is_described_passes() -> None:
    assert complaints_about_delivery(*delivery(**REDEEMED)) == []
    assert complaints_about_delivery(*delivery("coupon.expired")) == []


@pytest.mark.parametrize(
    ("kind", "detail", "headers", "wrong"),
    [
        ("coupon.gone", {}, {}, "coupon.gone"),
        ("coupon.redeemed", {}, {}, "change"),
        ("coupon.redeemed", REDEEMED | {"change": "REVOKED"}, {}, "REVOKED"),
        ("coupon.expired", REDEEMED, {}, "Additional properties"),
        ("coupon.redeemed", REDEEMED | {"serial": "7"}, {}, "data.serial"),
        ("coupon.expired", {}, {"webhook-signature": "v1,short"}, "v1,short"),
        ("coupon.expired", {}, {"webhook-timestamp": "now"}, "now"),
        ("coupon.expired", {}, {"webhook-id": "no event"}, "no event"),
        ("coupon.expired", {}, {"webhook-more": ""}, "webhook-more"),
        ("coupon.expired", {}, {"content-type": "text/plain"}, "text/plain"),
    ],
)
def test_a_delivery_that_is_not_described_is_noticed(
    kind: str, detail: dict[str, object], headers: dict[str, str], wrong: str
) -> None:
    signed, body = delivery(kind, **detail)
    found = complaints_about_delivery(signed | headers, body)
    assert wrong in "".join(found)


def test_every_kind_of_event_has_its_own_description() -> None:
    assert json.loads(openapi_handler({}, None)["body"])["webhooks"].keys() == {*WebhookEventKind}
