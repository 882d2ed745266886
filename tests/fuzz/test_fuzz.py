"""The short form of `make fuzz`, the same requests each time; and the checks can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.config import Settings
from handlers.edge.auth import claims
from tests.fuzz import handler_layer, token_layer, wire_layer
from tests.fuzz.invariants import faults_of
from tests.fuzz.responses import MalformedError, parse
from tests.fuzz.tally import Tally
from tests.support.service import ADMIN
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

SEED = 20_261_122
REQUESTS = 1500
TOKENS = 600
PROBLEM: dict[str, Any] = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "name: must be text",
    "code": "INVALID_REQUEST",
    "request_id": "1",
}
TYPE = {"content-type": "application/problem+json"}


@pytest.fixture
def service_settings() -> Settings:
    return Settings.from_environment(ENVIRONMENT)


def clean_tally(progress: Iterable[int], tally: Tally) -> Tally:
    for _ in progress:
        assert not tally.faults, tally.faults[0]
    assert tally.total >= REQUESTS
    return tally


def test_events_of_hostile_clients_get_responses_that_reveal_nothing(
    secrets: set[str],
) -> None:
    tally = Tally(SEED)
    tally = clean_tally(handler_layer.run(REQUESTS, SEED, secrets, tally), tally)
    # Enough of them are valid to reach every part of the service.
    expected = {"handlers 200", "handlers 202", "handlers 400", "handlers 409"}
    assert expected <= tally.responses.keys()


def test_of_tokens_with_odd_claims_only_those_are_taken_that_break_no_rule(
    service_settings: Settings,
) -> None:
    tally = Tally(SEED)
    for _ in token_layer.run(TOKENS, SEED, service_settings, tally):
        assert not tally.faults, tally.faults[0]
    assert tally.total == TOKENS
    assert {"tokens 200", "tokens 401", "tokens 503"} <= tally.responses.keys()


@pytest.mark.parametrize(
    ("rule", "stand_in"),
    [
        ("_is_for_us", lambda *_: True),
        ("_is_of_our_type", lambda *_: True),
        ("_check_kind", lambda *_: None),
        ("_check_use", lambda *_: None),
        ("scopes", lambda *_: frozenset({ADMIN})),
    ],
)
def test_control_a_rule_that_is_left_out_is_noticed(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch, rule: str, stand_in: Any
) -> None:
    monkeypatch.setattr(claims, rule, stand_in)
    tally = Tally(SEED)
    checked = token_layer.run(TOKENS, SEED, service_settings, tally)
    assert any(tally.fault_count for _ in checked)


def test_bytes_that_are_nearly_http_get_a_response_or_the_connection_is_closed(
    secrets: set[str], port: int
) -> None:
    tally = Tally(SEED)
    tally = clean_tally(wire_layer.run(REQUESTS, SEED, port, secrets, tally), tally)
    assert {"wire 200", "wire 400", "wire 401", "wire 405"} <= tally.responses.keys()


def problem(**changes: Any) -> bytes:
    return json.dumps(PROBLEM | changes).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (400, TYPE, problem()),
        (400, {}, b""),
        (404, TYPE, None),
        (503, TYPE | {"retry-after": "1"}, problem(status=503)),
        (200, {"content-type": "application/json"}, b"{}"),
    ],
)
def test_a_correct_response_has_no_faults(
    status: int, headers: dict[str, str], body: bytes | None
) -> None:
    assert faults_of(status, headers, body, {"hunter2"}) == []


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, TYPE, problem(status=500)),
        (502, TYPE, problem(status=502)),
        (503, TYPE, problem(status=503)),
        (400, {"content-type": "text/plain"}, b"no"),
        (404, {}, b""),
        (400, TYPE, b"{}"),
        (400, TYPE, problem(status=404)),
        (400, TYPE, problem(detail="the secret is hunter2")),
        (200, TYPE, b"hunter2"),
        (400, TYPE | {"x-key": "hunter2"}, problem()),
        (400, TYPE, problem(detail="ValueError: no")),
        (400, TYPE, problem(detail="handlers/apply.py, line 3")),
        (400, TYPE, problem(detail="Traceback (most recent call last)")),
        (400, TYPE, problem(detail="SELECT code FROM coupon")),
        (200, {"content-type": "application/json"}, b"<html>"),
    ],
)
def test_a_forbidden_response_has_faults(status: int, headers: dict[str, str], body: bytes) -> None:
    assert faults_of(status, headers, body, {"hunter2"})


def test_responses_in_a_row_are_parsed_separately() -> None:
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    none = b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n"
    found = parse(one + one + none, maybe_head=True)
    assert [(response.status, response.body) for response in found] == [
        (200, b"hi"),
        (200, b"hi"),
        (404, None),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh",
        b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore",
    ],
)
def test_bytes_that_are_not_http_are_not_a_response(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(data, maybe_head=False)
