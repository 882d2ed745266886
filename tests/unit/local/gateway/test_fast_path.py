"""Requests that a fast path responds to, before any handler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.rsgi import Route, Scope, Unread, ask, echo


class Refuser:
    """A fast path that records its calls."""

    def __init__(self, response: dict[str, Any] | None) -> None:
        self.response = response
        self.calls: list[tuple[str, str, str]] = []

    __name__ = "reject_from_cache"

    def __call__(self, campaign_id: str, authorization: str, request_id: str) -> Any:
        self.calls.append((campaign_id, authorization, request_id))
        return self.response


def refusable(refuser: Any) -> Route:
    return Route("POST", "/campaigns/{id}/apply", echo, refuser)


APPLY = "POST", "/campaigns/welcome/apply", ""
REFUSED = {"statusCode": 409, "headers": {"Content-Type": "text/plain"}, "body": "gone"}


def test_a_request_of_the_fast_path_does_not_reach_the_handler() -> None:
    refuser = Refuser(REFUSED)
    reply = ask(Scope(*APPLY, ("authorization", "a"), ("authorization", "b")), refusable(refuser))
    assert (reply.status, reply.headers["content-type"], reply.body) == (409, "text/plain", b"gone")
    # Of a header that comes twice the event has the last one, too.
    assert refuser.calls == [("welcome", "b", reply.headers["x-amzn-requestid"])]


def test_a_request_not_of_the_fast_path_is_the_handlers() -> None:
    refuser = Refuser(None)
    event = ask(Scope(*APPLY), refusable(refuser)).json()
    [(campaign_id, authorization, request_id)] = refuser.calls
    assert (campaign_id, authorization) == ("welcome", "")
    assert event["requestContext"]["requestId"] == request_id


def test_a_request_with_a_body_is_the_handlers() -> None:
    refuser = Refuser(REFUSED)
    scope = Scope(*APPLY, ("content-length", "2"))
    assert ask(scope, refusable(refuser), chunks=[b"{}"]).json()["body"] == "{}"
    assert refuser.calls == []


def test_a_request_with_a_body_that_is_not_read_is_the_handlers() -> None:
    refuser = Refuser(REFUSED)
    scope = Scope(*APPLY, ("content-length", "2"))
    route = replace(refusable(refuser), takes_body=False)
    assert ask(scope, route, exchange=Unread()).json()["body"] is None
    assert refuser.calls == []


@pytest.mark.parametrize("response", [{"statusCode": "none"}, ["no dict"]])
def test_an_error_in_the_fast_path_is_a_502_as_in_a_handler(
    response: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(Scope(*APPLY), refusable(Refuser(response))).status == 502
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["message"], line["function"]) == ("the handler failed", "reject_from_cache")
