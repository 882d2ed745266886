"""Tokens of an issuer over real sockets: the gateway and `chalice local` answer alike.

The issuer publishes odd keys beside its own, rotates them, and is slow while strangers name keys
that do not exist; the verdict is what everybody else gets meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.e2e.conftest import chalice_local, gateway
from tests.support.http_client import Call
from tests.support.issuer import ISSUER, SHOP, Issuer, good_claims, unsigned
from tests.support.issuer_server import IssuerServer
from tests.support.service import campaign_body
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.support.http_client import Client
    from tests.support.service import Response

    Home = Callable[..., AbstractContextManager[Client]]

HOMES = pytest.mark.parametrize("home", [gateway, chalice_local])
PEOPLE = 15
# Between two questions about unknown keys; how long that is, the unit tests hold with a clock.
SOON = {"handlers.edge.auth.jwks.UNKNOWN_EVERY_S": 1}
ODD_KEYS: list[Any] = [
    None,
    "key",
    {"kty": "oct", "kid": "a"},
    {"kty": "RSA", "kid": ["b"], "n": "AQAB", "e": "AQAB"},
    {"kty": "RSA", "kid": "c", "use": {"sig": 1}},
    {"kty": "RSA", "kid": "d", "e": "AQAB"},
    {"kty": "RSA", "kid": "e", "n": "!", "e": 3},
    {"kty": "EC", "kid": "f", "crv": ["P-256"], "x": "A", "y": "A"},
    {"kty": "EC", "kid": "g", "alg": ["ES256"]},
    {"kty": "EC", "kid": "h", "alg": "none"},
    {"kty": "RSA", "kid": "i", "n": "_" * 50_000, "e": "AQAB"},
]


@pytest.fixture(scope="module")
def made_issuer() -> Issuer:
    return Issuer()  # once: RSA keys take their time


@pytest.fixture
def issuer(made_issuer: Issuer) -> Iterator[Issuer]:
    """An issuer that publishes odd keys before its own."""
    status, body = answer = made_issuer.answer
    keys = [*ODD_KEYS, *json.loads(body)["keys"]]
    made_issuer.answer = status, json.dumps({"keys": keys}).encode()
    yield made_issuer
    made_issuer.answer = answer


@pytest.fixture
def server(issuer: Issuer) -> IssuerServer:
    return IssuerServer(issuer)


@pytest.fixture
def trusting(world: dict[str, str], server: IssuerServer) -> Iterator[dict[str, str]]:
    """The environment of a service that trusts the issuer alone."""
    with server.served() as url:
        keys = {
            "AUTH_JWKS_URL": url,
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": SHOP,
            "AUTH_LEEWAY_S": "60",
        }
        yield {**world, **keys, "AUTH_JWT_SECRET": ""}


def token(issuer: Issuer, user: str = "42", **claims: Any) -> str:
    return issuer.sign("ES256", sub=user, **({"iss": ISSUER, "aud": SHOP} | claims))


def of_a_stranger(kid: str) -> str:
    """A token that breaks no rule but has no signature."""
    claims = good_claims() | {"iss": ISSUER, "aud": SHOP}
    return unsigned({"alg": "ES256", "kid": kid}, claims)


def asked(client: Client, call: str, bearer: str, body: object = None) -> Response:
    method, _, path = call.partition(" ")
    headers = {"Authorization": f"Bearer {bearer}"}
    return client.send(Call(method, path, headers=headers, body=body))


def create(client: Client, issuer: Issuer, campaign_id: str, quantity: int = 100) -> None:
    admin = token(issuer, "admin", permissions=["coupon:admin"])
    body = campaign_body(campaign_id, quantity)
    assert asked(client, "POST /campaigns", admin, body).status == 201


# What is changed in a good token and in its header, and what the service answers. Times are seconds
# from now.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "good": ({}, {}, 404, "NOT_APPLIED"),
    "a list with our name": ({"aud": ["other", SHOP]}, {}, 404, "NOT_APPLIED"),
    "another audience": ({"aud": "other"}, {}, 401, "the token's aud is not this service"),
    "another issuer": (
        {"iss": "https://elsewhere.example.com/"},
        {},
        401,
        "the token's iss is not the issuer that this service trusts",
    ),
    "expired within the leeway": ({"exp": -1}, {}, 404, "NOT_APPLIED"),
    "expired": ({"exp": -3600}, {}, 401, "the token has expired"),
    "not yet": ({"nbf": 3600}, {}, 401, "the token is not valid yet"),
    "too long": (
        {"exp": 10**8},
        {},
        401,
        "the token's exp is too far away: a token may live for 86400 seconds",
    ),
    "a type of ours": ({}, {"typ": "at+jwt"}, 404, "NOT_APPLIED"),
    "a proof": ({}, {"typ": "dpop+jwt"}, 401, "the token's typ is that of another purpose"),
}


def changed(issuer: Issuer, claims: dict[str, Any], headers: dict[str, Any]) -> str:
    payload: dict[str, Any] = {"sub": "42", "exp": 600, "iss": ISSUER, "aud": SHOP} | claims
    now = int(time.time())
    moments = {name: now + payload[name] for name in ("exp", "nbf") if name in payload}
    return jwt.encode(payload | moments, issuer.ec, "ES256", {"kid": "ec"} | headers)


@HOMES
def test_tokens_get_the_same_answers_on_both_homes(
    home: Home, trusting: dict[str, str], issuer: Issuer, campaign_id: str
) -> None:
    with home(trusting) as client:
        create(client, issuer, campaign_id)
        path = f"GET /campaigns/{campaign_id}/coupon"
        found = {}
        for name, (claims, headers, _, _) in CASES.items():
            response = asked(client, path, changed(issuer, claims, headers))
            is_refused = response.status == 401
            found[name] = (
                response.status,
                response.body["detail"] if is_refused else response.code,
            )
        assert found == {name: expected[2:] for name, expected in CASES.items()}
        assert asked(client, path, of_a_stranger("ec")).status == 401
        assert asked(client, path, of_a_stranger("i" * 300)).status == 401
        assert asked(client, "GET /failed-events", token(issuer)).status == 403
        admin = token(issuer, scp=["coupon:admin"])
        assert asked(client, "GET /failed-events", admin).status == 200


@HOMES
def test_people_are_served_while_strangers_let_a_slow_issuer_be_asked(
    home: Home, trusting: dict[str, str], issuer: Issuer, server: IssuerServer, campaign_id: str
) -> None:
    with home(trusting, SOON) as client, ThreadPoolExecutor(PEOPLE + 2) as pool:
        create(client, issuer, campaign_id)
        call = f"POST /campaigns/{campaign_id}/apply"
        server.is_slow.set()
        stop = threading.Event()
        strangers: list[Response] = []

        def disturb() -> None:
            while not stop.is_set():
                kid = f"key-{len(strangers)}"
                bearer = of_a_stranger(kid)
                strangers.append(asked(client, call, bearer))

        disturbance = pool.submit(disturb)
        try:
            eventually(lambda: server.held, "the issuer is asked")
            people = [token(issuer, f"user-{number}") for number in range(PEOPLE)]
            served = list(pool.map(lambda bearer: asked(client, call, bearer), people))
            # A slow response does not end before the block does: who waited for one is not here.
            assert {response.status for response in served} == {202}
            assert sorted(response.body["serial"] for response in served) == [*range(1, 16)]
        finally:
            stop.set()
        disturbance.result(WAIT_S)
        assert {(one.status, one.code) for one in strangers} == {(503, "UNAVAILABLE")}
        assert all(one.headers["Retry-After"] == "1" for one in strangers)


@HOMES
def test_a_right_token_of_a_new_key_is_never_called_wrong(
    home: Home, trusting: dict[str, str], issuer: Issuer, campaign_id: str
) -> None:
    successor = Issuer()
    renamed = {**json.loads(successor.answer[1])["keys"][1], "kid": "new"}
    of_new = successor.sign("ES256", "new", iss=ISSUER, aud=SHOP)
    of_old = token(issuer, "old")
    with home(trusting, SOON) as client:
        create(client, issuer, campaign_id)
        call = f"GET /campaigns/{campaign_id}/coupon"
        assert asked(client, call, of_old).code == "NOT_APPLIED"
        # A stranger may have used up the question of these seconds just before the rotation.
        asked(client, call, of_a_stranger("stranger"))
        issuer.answer = (200, json.dumps({"keys": [renamed]}).encode())
        answers = []

        def is_known() -> bool:
            answers.append(asked(client, call, of_new).code)
            return answers[-1] != "UNAVAILABLE"

        eventually(is_known, "the new key is known")
        assert answers[-1] == "NOT_APPLIED"
        # The new keys came with the same answer in which the old one is missing.
        eventually(lambda: asked(client, call, of_old).status == 401, "the old key is gone")
