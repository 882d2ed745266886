"""The gateway's own part in CORS: every response has the headers, whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.gateway import app
from local.gateway.executor import LoadSheddingExecutor, OverloadedError
from tests.support.rsgi import Route, RsgiProtocol, Scope, Silent, ask, echo

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP = "https://shop.example.com"
FROM_SHOP = ("origin", SHOP)
HEADERS = {
    "access-control-allow-origin": SHOP,
    "access-control-expose-headers": "Date, ETag, Retry-After, x-amzn-RequestId",
    "vary": "Origin",
}
EMPTY = {"statusCode": 409, "headers": {}, "body": "gone"}


def broken(event: dict[str, Any], _: Any) -> dict[str, Any]:
    raise RuntimeError


def batch(events: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, _ in enumerate(events):
        yield index, EMPTY


ROUTES = (
    Route("GET", "/echo", echo),
    Route("POST", "/echo", echo),
    Route("GET", "/broken", broken),
    Route("POST", "/fast", echo, lambda *_: EMPTY),
    Route("POST", "/batch", echo, None, batch),
)


@pytest.fixture
def origins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gateways of this test allow one origin."""
    made = app.make_application

    def allowing(*arguments: Any) -> app.Gateway:
        gateway = made(*arguments)
        gateway.origins = frozenset({SHOP})
        return gateway

    monkeypatch.setattr("tests.support.rsgi.make_application", allowing)


def cors(headers: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.startswith("access-control-") or name == "vary"
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/echo", 200),
        ("GET", "/broken", 502),
        ("POST", "/fast", 409),
        ("POST", "/batch", 409),
        ("GET", "/nowhere", 404),
        ("DELETE", "/echo", 405),
    ],
)
def test_every_response_has_the_headers_for_an_origin_that_may_call(
    origins: None, method: str, path: str, status: int
) -> None:
    reply = ask(Scope(method, path, "", FROM_SHOP), *ROUTES)
    assert (reply.status, cors(reply.headers)) == (status, HEADERS)
    foreign = ask(Scope(method, path, "", ("origin", "null")), *ROUTES)
    assert (foreign.status, cors(foreign.headers)) == (status, {"vary": "Origin"})
    unnamed = ask(Scope(method, path), *ROUTES)
    assert (unnamed.status, cors(unnamed.headers)) == (status, {"vary": "Origin"})


def test_a_body_that_is_refused_has_them_too(
    origins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.gateway.body.BODY_TIMEOUT_S", 0.01)
    long = Scope("POST", "/echo", "", FROM_SHOP, ("content-length", "99999"))
    slow = Scope("POST", "/echo", "", FROM_SHOP, ("content-length", "9"))
    replies = [ask(long, *ROUTES), ask(slow, *ROUTES, exchange=Silent())]
    assert [(reply.status, cors(reply.headers)) for reply in replies] == [
        (413, HEADERS),
        (408, HEADERS),
    ]


def test_a_request_that_is_shed_has_them_too(
    origins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OverloadedError

    monkeypatch.setattr(LoadSheddingExecutor, "call", full)
    reply = ask(Scope("GET", "/echo", "", FROM_SHOP), *ROUTES)
    assert (reply.status, cors(reply.headers)) == (503, HEADERS)


def test_a_preflight_is_answered_before_any_handler_and_names_the_methods_of_the_path(
    origins: None,
) -> None:
    wanted = ("access-control-request-method", "POST")
    reply = ask(Scope("OPTIONS", "/echo", "", FROM_SHOP, wanted), *ROUTES)
    assert (reply.status, reply.body) == (204, b"")
    assert cors(reply.headers) == HEADERS | {
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-headers": "Authorization, Challenge-Solution, Content-Type, If-Match",
        "access-control-max-age": "7200",
    }


@pytest.mark.parametrize(
    "headers",
    [
        [("origin", "https://evil.example"), ("access-control-request-method", "POST")],
        [("origin", "null"), ("access-control-request-method", "POST")],
        [("access-control-request-method", "POST")],
        [FROM_SHOP],
    ],
)
def test_options_that_is_no_preflight_of_such_an_origin_is_a_method_that_is_not_there(
    origins: None, headers: list[tuple[str, str]]
) -> None:
    reply = ask(Scope("OPTIONS", "/echo", "", *headers), *ROUTES)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "access-control-allow-methods" not in reply.headers


@pytest.mark.parametrize("path", ["/echo", "/nowhere", "/fast"])
def test_where_no_origin_is_allowed_no_response_has_any_of_them(path: str) -> None:
    wanted = ("access-control-request-method", "POST")
    for method in ("POST", "OPTIONS"):
        reply = ask(Scope(method, path, "", FROM_SHOP, wanted), *ROUTES, exchange=RsgiProtocol())
        assert cors(reply.headers) == {}
        assert reply.status != 204
