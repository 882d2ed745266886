"""Bodies of requests: read within their limits, and completely or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.gateway.body import BODY_BYTES_MAX
from tests.support.rsgi import Route, Scope, Silent, ask, echo

if TYPE_CHECKING:
    from collections.abc import Iterator


class Endless:
    """Bytes that count how many were read."""

    taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += 64 * 1024
            yield b"x" * 64 * 1024


def test_an_announced_body_over_the_limit_is_refused_unread() -> None:
    source = Endless()
    scope = Scope("POST", "/", "", ("content-length", str(BODY_BYTES_MAX + 1)))
    reply = ask(scope, Route("POST", "/", echo), chunks=source)
    assert reply.status == 413
    assert reply.json()["code"] == "PAYLOAD_TOO_LARGE"
    assert source.taken == 0


def test_a_body_without_length_is_read_no_further_than_the_limit() -> None:
    source = Endless()
    scope = Scope("POST", "/", "", ("transfer-encoding", "chunked"))
    assert ask(scope, Route("POST", "/", echo), chunks=source).status == 413
    assert source.taken <= BODY_BYTES_MAX + 64 * 1024


def test_a_body_without_length_within_the_limit_is_passed_on() -> None:
    scope = Scope("POST", "/", "", ("transfer-encoding", "chunked"))
    event = ask(scope, Route("POST", "/", echo), chunks=[b"hel", b"lo"]).json()
    assert event["body"] == "hello"
    assert "Transfer-Encoding" not in event["headers"]


def test_a_body_that_ends_early_never_reaches_the_handler() -> None:
    scope = Scope("POST", "/", "", ("content-length", "4"))
    route = Route("POST", "/", lambda *_: pytest.fail("called"))
    reply = ask(scope, route, chunks=[b"hal"])
    assert reply.status == 400
    assert reply.json()["code"] == "INVALID_REQUEST"


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.gateway.body.BODY_TIMEOUT_S", 0.01)
    scope = Scope("POST", "/", "", ("content-length", "4"))
    reply = ask(scope, Route("POST", "/", echo), exchange=Silent())
    assert (reply.status, reply.json()["code"]) == (408, "TIMEOUT")
