"""Calls of a route that takes several of them together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.log_lines import log_of
from tests.support.rsgi import Reply, Route, RsgiProtocol, Scope, ask_at_once, echo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Events = list[dict[str, Any]]


def alone(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    pytest.fail("called by itself")


def asked(batch_handler: Callable[[Any], Iterator[tuple[int, Any]]], calls: int) -> list[Reply]:
    """Send calls to a route, each with its number; return their responses."""
    route = Route("POST", "/{number}", alone, batch_handler=batch_handler)
    requests = [(Scope("POST", f"/{number}"), RsgiProtocol()) for number in range(calls)]
    return ask_at_once(requests, route)


def number_of(event: dict[str, Any]) -> int:
    return int(event["pathParameters"]["number"])


def batch_handler(events: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Answer each with its own number, the last one first."""
    for index, event in reversed(list(enumerate(events))):
        yield index, {"statusCode": 200 + number_of(event), "body": json.dumps(event)}


def test_waiting_calls_are_handled_as_a_batch_and_each_gets_its_response() -> None:
    groups: list[int] = []

    def counted(events: Events) -> Iterator[tuple[int, dict[str, Any]]]:
        groups.append(len(events))
        return batch_handler(events)

    replies = asked(counted, 5)
    assert [reply.status for reply in replies] == [200, 201, 202, 203, 204]
    assert groups == [5]
    for reply in replies:
        request_id = reply.json()["requestContext"]["requestId"]
        assert request_id == reply.headers["x-amzn-requestid"]


def test_of_several_routes_each_call_goes_to_its_own() -> None:
    routes = (
        Route("POST", "/{number}", alone, batch_handler=batch_handler),
        Route("GET", "/{number}", echo),
    )
    requests = [(Scope(method, "/3"), RsgiProtocol()) for method in ("GET", "POST", "GET")]
    assert [reply.status for reply in ask_at_once(requests, *routes)] == [200, 203, 200]


@pytest.mark.parametrize("malformed", [None, {}, {"statusCode": 200, "body": 1}])
def test_a_malformed_response_is_a_502_for_that_call_only(
    malformed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def flawed(events: Events) -> Iterator[tuple[int, Any]]:
        for index, response in batch_handler(events):
            yield index, malformed if number_of(events[index]) == 1 else response

    replies = asked(flawed, 3)
    assert [reply.status for reply in replies] == [200, 502, 202]
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["error"], line["function"]) == ("MalformedProxyResponseError", "flawed")
    assert line["request_id"] == replies[1].headers["x-amzn-requestid"]


def test_a_batch_handler_that_raises_is_a_502_for_calls_without_a_response(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(events: Events) -> Iterator[tuple[int, dict[str, Any]]]:
        yield next(batch_handler(events))
        message = "two\nlines"
        raise RuntimeError(message)

    replies = asked(broken, 3)
    assert [reply.status for reply in replies] == [502, 502, 202]
    assert replies[0].json() == {"message": "Internal server error"}
    lines = log_of(capsys)
    assert [(line["error"], line["function"]) for line in lines] == [("RuntimeError", "broken")] * 2
    unanswered = {reply.headers["x-amzn-requestid"] for reply in replies[:2]}
    assert {line["request_id"] for line in lines} == unanswered
    assert all(any("in broken" in frame for frame in line["stack"]) for line in lines)


def test_a_call_that_is_left_out_gets_502_and_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def forgetful(events: Events) -> Iterator[tuple[int, dict[str, Any]]]:
        yield next(batch_handler(events))

    replies = asked(forgetful, 3)
    assert [reply.status for reply in replies] == [502, 502, 202]
    lines = log_of(capsys)
    assert [line["function"] for line in lines] == ["forgetful"] * 2
