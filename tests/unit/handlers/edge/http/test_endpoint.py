"""The whole HTTP interface on fakes: for any request, no response is a 500 or malformed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from handlers.adapters.mysql.queries import Coupon
from handlers.adapters.redis.campaigns import UserAdmission
from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.edge.http.request_log import REQUESTS
from handlers.edge.http.response import STATUS
from handlers.pages import PAGES
from handlers.routes import ROUTES, Route
from tests.support.fake_campaign import FakeCampaign
from tests.support.fake_reads import held
from tests.support.fake_webhooks import EVENT, WEBHOOK
from tests.support.fakes import NOW_MS
from tests.support.http_events import ADMIN_TOKEN, CAMPAIGN, EVENTS, QUERY_NAMES

if TYPE_CHECKING:
    from tests.unit.conftest import Fakes, LogLines

CODE = "0" * 16
PATH = {
    "id": "welcome",
    "code": CODE,
    "order_id": "order-1",
    "webhook": WEBHOOK,
    "event": EVENT,
    "user_id": "42",
}
ORDER: dict[str, object] = {"order_id": "order-1"}
# What the calls with a body take.
BODIES: dict[str, dict[str, object]] = {
    "POST /campaigns": CAMPAIGN | {"id": "other"},
    "PATCH /campaigns/{id}": {"paused": True},
    "POST /coupons/{code}/reservations": ORDER,
    "POST /coupons/{code}/redemptions": ORDER,
    "POST /coupons/{code}/revocation": {"reason": "by mistake"},
    "POST /webhooks": {"url": "https://shop.example/", "kinds": ["coupon.issued"]},
    "PATCH /webhooks/{webhook}": {"active": True},
    "POST /webhooks/{webhook}/secret": {},
    "POST /webhooks/{webhook}/replay": {"since": "2026-11-22T03:00:00Z"},
    "POST /sign-in": {"user_id": "42"},
}
# What they answer without any server; the last one has no file of that name.
WITHOUT_SERVERS = {
    **dict.fromkeys(("/health", "/openapi.json", "/failed-events", "/sign-in", *PAGES), 200),
    "/web/config.json": 200,
    "/web/{version}/{folder}/{file}": 404,
}
NAMES = {f"{route.method} {route.path}": route for route in ROUTES}


@pytest.fixture
def world(fakes: Fakes) -> Fakes:
    """A campaign that is open, with a winner, a row in failed_event, and a caller who applied."""
    campaign = Campaign("welcome", "Welcome", 100, NOW_MS - 1000, NOW_MS + 1000)
    fakes.admissions.campaigns["welcome"] = FakeCampaign(100, NOW_MS - 1000, NOW_MS + 1000)
    status = CampaignStatus(campaign, 2, 1, 98, NOW_MS, NOW_MS)
    fakes.redis_campaigns.statuses["welcome"] = status
    fakes.redis_campaigns.admissions["welcome", "42"] = UserAdmission(2, NOW_MS)
    fakes.mysql_queries.campaigns["welcome"] = campaign
    row = fakes.mysql_queries.coupon_rows["welcome", "7"] = Coupon(1, "7", CODE, NOW_MS, NOW_MS)
    fakes.coupon_states.held[CODE] = held("welcome", row)
    return fakes


def check(response: dict[str, Any], logged: LogLines) -> None:
    """Fail unless this is a response that API Gateway takes and the contract has."""
    assert set(response) == {"statusCode", "headers", "body"}
    assert response["statusCode"] != 500, logged.text
    assert type(response["statusCode"]) is int
    assert isinstance(response["body"], str)
    headers = response["headers"]
    for name, value in headers.items():
        assert isinstance(name, str)
        assert isinstance(value, str)
        assert (name + value).isascii()
        assert (name + value).isprintable()
    if response["statusCode"] == 204:
        assert (response["body"], "Content-Type" in headers) == ("", False)
        return
    content_type = headers["Content-Type"]
    response["body"].encode()
    if content_type.startswith("text/csv"):
        assert response["body"].startswith("serial,")
        return
    if content_type.startswith("text/html"):
        assert response["statusCode"] == 200
        return
    body = json.loads(response["body"])
    if response["statusCode"] < 400:
        assert content_type == "application/json"
        return
    assert content_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert body["status"] == response["statusCode"] == STATUS[body["code"]]
    assert body["detail"]
    assert isinstance(body["request_id"], str)


@pytest.mark.parametrize("name", sorted(NAMES))
# All examples share the fakes on purpose: each one starts from the state of the last one.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(event=EVENTS)
def test_any_request_gets_a_response_and_never_a_500(
    world: Fakes, logged: LogLines, name: str, event: dict[str, Any]
) -> None:
    assert world
    REQUESTS.flush()
    logged.clear()
    check(NAMES[name].handler(event, None), logged)
    [line] = logged.lines
    assert line["message"] == NAMES[name].handler.__name__


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("text", ["\ud800", "' OR 1=1 --", "9" * 5000, "\x00", "쿠폰" * 5000])
def test_a_nasty_text_everywhere_is_not_a_500(
    world: Fakes, logged: LogLines, route: Route, text: str
) -> None:
    assert world
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    paths: list[dict[str, Any]] = [
        {"queryStringParameters": {name: text}} for name in [*QUERY_NAMES, text]
    ]
    paths += [
        {"pathParameters": dict.fromkeys(PATH, text)},
        *({"pathParameters": PATH | {name: text}} for name in PATH),
        {"headers": {"Authorization": text}},
        {"headers": headers | {"Accept": text, text: text}},
        {"body": text},
        {"body": text, "isBase64Encoded": True},
        {"body": json.dumps(CAMPAIGN | {text: text})},
        {"body": json.dumps({"order_id": text})},
        {"body": json.dumps({"order_id": "order-1", "ttl_s": text})},
        {"body": json.dumps({"reason": text, "return_to_pool": text})},
        {"requestContext": {"requestId": text}},
    ]
    for change in paths:
        event = {"headers": headers, "pathParameters": PATH, **change}
        check(route.handler(event, None), logged)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_unreachable_servers_are_a_503_or_not_needed(
    world: Fakes, logged: LogLines, route: Route
) -> None:
    world.admissions.reachable = False
    world.redis_campaigns.epoch_is_known = False
    world.mysql_queries.reachable = False
    world.publisher.acknowledges = False
    world.failed_event_queue.reachable = False
    world.coupon_states.reachable = False
    world.webhooks.reachable = world.delivery_log.reachable = False
    event = {
        "headers": {"Authorization": f"Bearer {ADMIN_TOKEN}", "If-Match": "*"},
        "pathParameters": PATH,
        "body": json.dumps(BODIES.get(f"{route.method} {route.path}", {})),
    }
    response = route.handler(event, None)
    if route.path == "/ready":
        body = json.loads(response["body"])
        assert (body.pop("redis"), body.pop("mysql")) == ("stale", "unavailable")
        response["body"] = json.dumps({name: body[name] for name in body if name != "kafka"})
    check(response, logged)
    assert response["statusCode"] == WITHOUT_SERVERS.get(route.path, 503)
    assert ("Retry-After" in response["headers"]) == (route.path not in WITHOUT_SERVERS)
