"""Events of every kind that a client can bring about, well-meaning or not."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
from hypothesis import strategies as st

from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SECRET = ENVIRONMENT["AUTH_JWT_SECRET"]
CLAIMS = {"sub": "42", "scope": "coupon:admin", "exp": int(time.time()) + 86_400}
ADMIN_TOKEN = jwt.encode(CLAIMS, SECRET)

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
PATHS: SearchStrategy[dict[str, str] | None] = st.one_of(
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
