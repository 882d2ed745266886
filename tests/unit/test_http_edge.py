"""The whole HTTP interface on fakes: whatever a client sends, no answer is a 500 or malformed."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers import wiring
from handlers.adapters.campaign_states import Applied
from handlers.adapters.coupon_queries import Coupon
from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.edge.response import STATUS
from handlers.edge.throttle import Throttle
from handlers.routes import ROUTES, Route
from tests.fakes import NOW_MS, FakeCampaign
from tests.unit.conftest import ENVIRONMENT, LogLines

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.unit.conftest import Fakes

SECRET = ENVIRONMENT["AUTH_JWT_SECRET"]
CLAIMS = {"sub": "42", "scope": "coupon:admin", "exp": int(time.time()) + 86_400}
ADMIN_TOKEN = jwt.encode(CLAIMS, SECRET)
NAMES = {f"{route.method} {route.path}": route for route in ROUTES}

# Any character, also the lone halves of surrogate pairs that JSON can smuggle in.
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=30)
NASTY_TEXT = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "9" * 5000,
        "1e999",
        "NaN",
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "' OR 1=1 --",
        "%s %(id)s {0} {",
        "../../etc/passwd",
        "a{b}:coupon_count",
        "\r\nSet-Cookie: a=b",
        "쿠폰",
        "PENDING",
        "UNDECODABLE",
        "welcome",
    ]
)
TEXT = NASTY_TEXT | ANY_TEXT
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**4000, -(10**30), 2**63, True, 100])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
CAMPAIGN = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00Z",
    "closes_at": "2026-11-23T03:00:00Z",
}
NEARLY_A_CAMPAIGN = st.builds(
    lambda field, value: CAMPAIGN | {field: value},
    st.sampled_from([*CAMPAIGN, "other", "\ud800"]),
    JSON,
)


def dumped(value: object) -> str:
    return json.dumps(value)


BODIES: SearchStrategy[Any] = st.one_of(
    st.none(),
    TEXT,
    st.binary(max_size=40),
    JSON.map(dumped),
    NEARLY_A_CAMPAIGN.map(dumped),
    NEARLY_A_CAMPAIGN.map(lambda value: dumped(value).encode()),
    NEARLY_A_CAMPAIGN.map(lambda value: base64.b64encode(dumped(value).encode()).decode()),
    st.sampled_from(["[" * 16_000, '{"a":' * 3000, '{"id":' + "9" * 5000 + "}", "x" * 20_000]),
)


def token(claims: object, header: object, signature: bytes) -> str:
    parts = [dumped(header).encode(), dumped(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


SIGNED = st.builds(
    lambda name, value: jwt.encode(CLAIMS | {name: value}, SECRET),
    st.sampled_from(["scope", "extra", "jti"]),
    st.none() | st.booleans() | st.text(max_size=10) | st.lists(st.text(max_size=5), max_size=3),
)
TOKENS = st.one_of(
    st.just(ADMIN_TOKEN),
    SIGNED,
    TEXT,
    st.builds(
        token,
        JSON,
        st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), JSON)
        | st.just({"alg": "HS256"})
        | JSON,
        st.binary(max_size=40),
    ),
)
AUTHORIZATION = TOKENS.map(lambda text: f"Bearer {text}") | TEXT
HEADER_NAMES = st.sampled_from(["Accept", "Content-Type", "X-Forwarded-For"]) | ANY_TEXT
HEADERS = st.builds(
    lambda others, name, authorization: {**others, name: authorization},
    st.dictionaries(HEADER_NAMES, TEXT | st.just("text/csv") | st.none(), max_size=3),
    st.sampled_from(["Authorization", "authorization", "AUTHORIZATION"]),
    # In most cases a good one, or nothing behind the door would ever be reached.
    st.integers(0, 3).flatmap(lambda n: st.just(f"Bearer {ADMIN_TOKEN}") if n else AUTHORIZATION),
)
QUERY_NAMES = ["limit", "after", "status", "reason", "campaign_id", "user_id"]
QUERY = st.dictionaries(st.sampled_from(QUERY_NAMES) | ANY_TEXT, TEXT, max_size=3)
MULTI_QUERY = QUERY.map(lambda query: {name: ["first", text] for name, text in query.items()})
PATHS = st.one_of(
    st.just({"id": "welcome"}), TEXT.map(lambda text: {"id": text}), st.just({}), st.none()
)
REST = st.fixed_dictionaries(
    {},
    optional={
        "pathParameters": PATHS,
        "queryStringParameters": QUERY | st.none(),
        "multiValueQueryStringParameters": MULTI_QUERY | st.none(),
        "body": BODIES,
        "isBase64Encoded": st.booleans() | st.none(),
        "requestContext": st.none()
        | st.fixed_dictionaries({}, optional={"requestId": TEXT | st.none()}),
        "stageVariables": st.none() | st.just({}),
    },
)


def event_of(headers: dict[str, Any], rest: dict[str, Any], *, as_lists: bool) -> dict[str, Any]:
    if as_lists:
        several = {name: ["first", value] for name, value in headers.items()}
        return {"headers": None, "multiValueHeaders": several, **rest}
    return {"headers": headers, **rest}


EVENTS = st.builds(event_of, HEADERS, REST, as_lists=st.booleans())


@pytest.fixture
def world(fakes: Fakes) -> Fakes:
    """A campaign that is open, with a winner, a row in failed_event, and a caller who applied."""
    campaign = Campaign("welcome", "Welcome", 100, NOW_MS - 1000, NOW_MS + 1000)
    fakes.admissions.campaigns["welcome"] = FakeCampaign(100, NOW_MS - 1000, NOW_MS + 1000)
    status = CampaignStatus(campaign, 2, 1, 98, NOW_MS, NOW_MS)
    fakes.campaign_states.statuses["welcome"] = status
    fakes.campaign_states.admissions["welcome", "42"] = Applied(2, NOW_MS)
    fakes.coupon_queries.standing["welcome"] = campaign
    wiring._built["throttle"] = Throttle(1_000_000)
    fakes.coupon_queries.coupon_rows["welcome", "7"] = Coupon(1, "7", "0" * 16, NOW_MS, NOW_MS)
    return fakes


def check(response: dict[str, Any], logged: LogLines) -> None:
    """Fail unless this is an answer that API Gateway takes and the contract knows."""
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
    content_type = headers["Content-Type"]
    response["body"].encode()
    if content_type.startswith("text/csv"):
        assert response["body"].startswith("serial,")
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
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(event=EVENTS)
def test_whatever_a_client_sends_is_answered_and_never_with_a_500(
    world: Fakes, logged: LogLines, name: str, event: dict[str, Any]
) -> None:
    assert world
    logged.clear()
    check(NAMES[name].handler(event, None), logged)
    [line] = logged.lines
    assert line["message"] == NAMES[name].handler.__name__


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("text", ["\ud800", "' OR 1=1 --", "9" * 5000, "\x00", "쿠폰" * 5000])
def test_a_nasty_text_everywhere_is_no_500(
    world: Fakes, logged: LogLines, route: Route, text: str
) -> None:
    assert world
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    paths: list[dict[str, Any]] = [
        {"queryStringParameters": {name: text}} for name in [*QUERY_NAMES, text]
    ]
    paths += [
        {"pathParameters": {"id": text}},
        {"headers": {"Authorization": text}},
        {"headers": headers | {"Accept": text, text: text}},
        {"body": text},
        {"body": text, "isBase64Encoded": True},
        {"body": json.dumps(CAMPAIGN | {text: text})},
        {"requestContext": {"requestId": text}},
    ]
    for change in paths:
        event = {"headers": headers, "pathParameters": {"id": "welcome"}, **change}
        check(route.handler(event, None), logged)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_servers_out_of_reach_are_a_503_or_not_needed(
    world: Fakes, logged: LogLines, route: Route
) -> None:
    world.admissions.reachable = False
    world.campaign_states.epoch_is_known = False
    world.coupon_queries.reachable = False
    world.publisher.acknowledges = False
    event = {
        "headers": {"Authorization": f"Bearer {ADMIN_TOKEN}"},
        "pathParameters": {"id": "welcome"},
        "body": json.dumps(CAMPAIGN | {"id": "other"}),
    }
    response = route.handler(event, None)
    if route.path == "/ready":
        assert response["headers"]["Retry-After"] == "1"
        assert json.loads(response["body"])["redis"] == "stale"
        return
    check(response, logged)
    needs_redis = route.path not in {"/health", "/failed-events", "/campaigns/{id}/coupons"}
    assert response["statusCode"] == (503 if needs_redis else 200)
    assert ("Retry-After" in response["headers"]) == needs_redis
