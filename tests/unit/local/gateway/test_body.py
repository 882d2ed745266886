"""Bodies of requests: read within their limits, and completely or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.domain.errors import PayloadTooLargeError
from handlers.edge.http.request import BODY_BYTES_MAX
from tests.support.rsgi import CutOff, Route, Scope, Silent, Unread, ask, echo

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKED = ("transfer-encoding", "chunked")
LONGEST = ("content-length", str(BODY_BYTES_MAX))
TOO_LONG = ("content-length", str(BODY_BYTES_MAX + 1))


class Endless:
    """Bytes that count how many were read."""

    taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += 1024
            yield b"x" * 1024


@pytest.mark.parametrize("takes_body", [True, False])
def test_an_announced_body_over_the_limit_is_refused_unread(takes_body: bool) -> None:  # noqa: FBT001
    route = Route("POST", "/", echo, takes_body=takes_body)
    reply = ask(Scope("POST", "/", "", TOO_LONG), route, exchange=Unread())
    assert reply.status == 413
    assert reply.json()["code"] == "PAYLOAD_TOO_LARGE"
    assert reply.json()["detail"] == str(PayloadTooLargeError())
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize("announced", [LONGEST, TOO_LONG, CHUNKED])
def test_the_body_of_a_call_that_does_not_exist_is_never_read(announced: tuple[str, str]) -> None:
    route = Route("POST", "/here", echo)
    for method, path, status in (("POST", "/", 404), ("PUT", "/here", 405)):
        reply = ask(Scope(method, path, "", announced), route, exchange=Unread())
        closes = None if announced == LONGEST else "close"
        assert (reply.status, reply.headers.get("connection")) == (status, closes)


@pytest.mark.parametrize("announced", [LONGEST, CHUNKED])
def test_the_body_of_a_call_that_takes_none_is_never_read(announced: tuple[str, str]) -> None:
    route = Route("POST", "/", echo, takes_body=False)
    reply = ask(Scope("POST", "/", "", announced), route, exchange=Unread())
    assert (reply.status, reply.json()["body"]) == (200, None)


def test_a_body_of_just_the_limit_is_passed_on() -> None:
    body = b"x" * BODY_BYTES_MAX
    for announced in (LONGEST, CHUNKED):
        scope = Scope("POST", "/", "", announced)
        event = ask(scope, Route("POST", "/", echo), chunks=[body]).json()
        assert event["body"] == body.decode()


def test_a_body_without_length_is_read_no_further_than_the_limit() -> None:
    source = Endless()
    scope = Scope("POST", "/", "", CHUNKED)
    assert ask(scope, Route("POST", "/", echo), chunks=source).status == 413
    assert source.taken <= BODY_BYTES_MAX + 1024


def test_a_body_without_length_within_the_limit_is_passed_on() -> None:
    scope = Scope("POST", "/", "", CHUNKED)
    event = ask(scope, Route("POST", "/", echo), chunks=[b"hel", b"lo"]).json()
    assert event["body"] == "hello"
    assert "Transfer-Encoding" not in event["headers"]


@pytest.mark.parametrize("announced", [LONGEST, CHUNKED])
@pytest.mark.parametrize("chunks", [[], [b"hal"]])
def test_a_body_that_is_malformed_or_ends_early_never_reaches_the_handler(
    announced: tuple[str, str], chunks: list[bytes]
) -> None:
    scope = Scope("POST", "/", "", announced)
    route = Route("POST", "/", lambda *_: pytest.fail("called"))
    reply = ask(scope, route, exchange=CutOff(chunks))
    assert reply.status == 400
    assert reply.json()["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("announced", [LONGEST, CHUNKED])
def test_a_body_that_comes_too_slowly_is_given_up(
    announced: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.gateway.body.BODY_TIMEOUT_S", 0.01)
    scope = Scope("POST", "/", "", announced)
    reply = ask(scope, Route("POST", "/", echo), exchange=Silent())
    assert (reply.status, reply.json()["code"]) == (408, "TIMEOUT")
