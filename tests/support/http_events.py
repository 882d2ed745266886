"""Events of every kind that a client can cause, valid or malicious."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from local.token import sign
from tests.support.fake_webhooks import EVENT, WEBHOOK
from tests.support.issuer import signed
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SECRET = ENVIRONMENT["AUTH_JWT_SECRET"]
CLAIMS = {"sub": "42", "scope": "coupon:admin", "exp": int(time.time()) + 86_400}
ADMIN_TOKEN = sign(CLAIMS, SECRET)

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
        "'; DROP TABLE coupon; -- ",
        "1 OR SLEEP(9)",
        "\\' UNION SELECT code FROM coupon#",
        "');redis.call('FLUSHALL')--",
        "]] redis.call('DEL', KEYS[1]) --[[",
        "a\r\n*1\r\n$8\r\nFLUSHALL\r\n",
        "..%2f..%2fapply",
        "%00",
        "１٢",
        "+1",
        " 1",
        "1_0",
        "=HYPERLINK(1)",
        "${jndi:ldap://a}",
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
LIMITS: dict[str, Any] = {
    "rate_per_address": 5,
    "eligibility": {"claim": "member", "equals": True},
    "challenge": {"max_number": 1_000},
}
NEARLY_A_CAMPAIGN = st.one_of(
    st.builds(
        lambda field, value: CAMPAIGN | {field: value},
        st.sampled_from([*CAMPAIGN, *LIMITS, "other", "\ud800"]),
        JSON,
    ),
    st.builds(
        lambda field, value, member: CAMPAIGN | {field: LIMITS[field] | {member: value}},
        st.sampled_from(["eligibility", "challenge"]),
        JSON,
        st.sampled_from(["claim", "equals", "max_number"]),
    ),
    # Complete ones, too: other users later see what is stored.
    st.builds(
        lambda number, name: CAMPAIGN | {"id": f"c-{number}", "name": name},
        st.integers(0, 99),
        TEXT,
    ),
)
WEBHOOK_BODY: dict[str, Any] = {"url": "https://shop.example/", "kinds": ["coupon.issued"]}
NEARLY_A_WEBHOOK = st.builds(
    lambda field, value: WEBHOOK_BODY | {field: value},
    st.sampled_from(["url", "kinds", "description", "active", "previous_secret_s", "since"]),
    JSON,
) | st.sampled_from(
    [WEBHOOK_BODY, {"active": True}, {"since": "2026-11-22T03:00:00Z"}, {"previous_secret_s": 9}]
)


def dumped(value: object) -> str:
    return json.dumps(value)


ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "order_id": st.sampled_from(["order-1", "order-2"]) | JSON,
        "ttl_s": st.just(60) | JSON,
        "reason": st.just("by mistake") | JSON,
        "return_to_pool": st.booleans() | JSON,
    },
)
BODIES: SearchStrategy[Any] = st.one_of(
    st.none(),
    TEXT,
    st.binary(max_size=40),
    JSON.map(dumped),
    NEARLY_A_CAMPAIGN.map(dumped),
    NEARLY_A_WEBHOOK.map(dumped),
    ORDERS.map(dumped),
    NEARLY_A_CAMPAIGN.map(lambda value: dumped(value).encode()),
    NEARLY_A_CAMPAIGN.map(lambda value: base64.b64encode(dumped(value).encode()).decode()),
    st.sampled_from(["[" * 16_000, '{"a":' * 3000, '{"id":' + "9" * 5000 + "}", "x" * 20_000]),
)


def token(claims: object, header: object, signature: bytes) -> str:
    parts = [dumped(header).encode(), dumped(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


USERS = st.integers(1, 500).map(lambda n: sign(CLAIMS | {"sub": f"user-{n}"}, SECRET))
SIGNED = st.builds(
    lambda name, value: signed(CLAIMS | {name: value}),
    st.sampled_from(
        ["scope", "scp", "permissions", "extra", "events", "jti", "exp", "nbf", "iat", "aud", "iss"]
    ),
    st.none()
    | NUMBERS
    | st.booleans()
    | st.text(max_size=10)
    | st.lists(st.text(max_size=5), max_size=3),
)
TOKENS = st.one_of(
    st.just(ADMIN_TOKEN),
    SIGNED,
    USERS,
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
KNOWN = (st.just(f"Bearer {ADMIN_TOKEN}"), USERS.map(lambda text: f"Bearer {text}"))
AUTHORIZATION = TOKENS.map(lambda text: f"Bearer {text}") | TEXT
ACCEPT = st.sampled_from(["text/csv", "TEXT/CSV;q=0", "*/*", ";;q=,", "text/csv;q=x", "a/b,,"])
HEADER_NAMES = (
    st.sampled_from(["Accept", "Content-Type", "X-Forwarded-For", "Challenge-Solution"]) | ANY_TEXT
)
HEADERS = st.builds(
    lambda others, name, authorization: {**others, name: authorization},
    st.dictionaries(HEADER_NAMES, TEXT | ACCEPT | st.none(), max_size=3),
    st.sampled_from(["Authorization", "authorization", "AUTHORIZATION"]),
    # In most cases a valid one; otherwise no request would pass the authentication.
    st.integers(0, 3).flatmap(lambda n: AUTHORIZATION if n == 3 else KNOWN[n % 2]),
)
QUERY_NAMES = ["limit", "after", "status", "reason", "campaign_id", "user_id"]
QUERY_VALUES = TEXT | st.integers(-2, 10_002).map(str)
QUERY = st.dictionaries(st.sampled_from(QUERY_NAMES) | ANY_TEXT, QUERY_VALUES, max_size=3)
MULTI_QUERY = QUERY.map(lambda query: {name: ["first", text] for name, text in query.items()})
# The tests' environments hold one campaign of each state; one id is missing.
CAMPAIGNS = ["welcome", "welcome", "sold-out", "scheduled", "closed", "missing"]
EVERY_PATH = {
    "id": "welcome",
    "code": "0" * 16,
    "order_id": "order-1",
    "webhook": WEBHOOK,
    "event": EVENT,
}
PATHS: SearchStrategy[dict[str, str] | None] = st.one_of(
    st.sampled_from(CAMPAIGNS).map(lambda campaign: EVERY_PATH | {"id": campaign}),
    st.just(EVERY_PATH),
    st.just(EVERY_PATH),
    # A code of the tests' environments, and one that no coupon has.
    st.builds(
        lambda code, order: EVERY_PATH | {"code": code, "order_id": order},
        st.sampled_from(["0" * 16, "1" * 16]) | TEXT,
        st.sampled_from(["order-1", "order-2"]) | TEXT,
    ),
    st.sampled_from([{}, None])
    | st.builds(
        lambda name, text: EVERY_PATH | {name: text}, st.sampled_from(sorted(EVERY_PATH)), TEXT
    ),
)
IDENTITY = st.none() | st.fixed_dictionaries({}, optional={"sourceIp": TEXT | st.none()})
REST = st.fixed_dictionaries(
    {"pathParameters": PATHS},
    optional={
        "queryStringParameters": QUERY | st.none(),
        "multiValueQueryStringParameters": MULTI_QUERY | st.none(),
        "body": BODIES,
        "isBase64Encoded": st.booleans() | st.none(),
        "requestContext": st.none()
        | st.fixed_dictionaries({}, optional={"requestId": TEXT | st.none(), "identity": IDENTITY}),
        "stageVariables": st.none() | st.just({}),
    },
)


def event_of(headers: dict[str, Any], rest: dict[str, Any], *, as_lists: bool) -> dict[str, Any]:
    if as_lists:
        several = {name: ["first", value] for name, value in headers.items()}
        return {"headers": None, "multiValueHeaders": several, **rest}
    return {"headers": headers, **rest}


EVENTS = st.builds(event_of, HEADERS, REST, as_lists=st.booleans())
