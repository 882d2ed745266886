"""The gateway as an RSGI application: the event that a handler gets."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import TYPE_CHECKING
from uuid import UUID

from local.gateway.event import proxy_event
from local.gateway.rsgi import HttpRequest
from tests.support.rsgi import Route, Scope, ask, echo

if TYPE_CHECKING:
    import pytest
from tests.support.paths import EVENTS

REQUEST_ID = "01234567-89ab-4def-8123-456789abcdef"


def test_the_event_is_field_by_field_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads((EVENTS / "apigateway_post.json").read_text("utf-8"))
    now_ns = expected["requestContext"]["requestTimeEpoch"] * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    scope = Scope(
        "POST",
        "/campaigns/welcome/apply",
        "source=mail&tag=first&tag=second",
        ("accept", "*/*"),
        ("authorization", "Bearer header.claims.signature"),
        ("user-agent", "curl/8.9.1"),
        ("x-amzn-trace-id", "Root=1-6ad1b2c3-0123456789abcdef01234567"),
        ("content-type", "application/json"),
    )
    event = proxy_event(
        HttpRequest.of(scope, expected["body"].encode()),
        resource="/campaigns/{id}/apply",
        path_parameters={"id": "welcome"},
        request_id=REQUEST_ID,
        stage="local",
    )
    assert event == expected


def test_what_a_request_lacks_is_null_and_never_an_empty_dict() -> None:
    event = ask(Scope(), Route("GET", "/", echo)).json()
    nulls = {name for name, value in event.items() if value is None}
    assert nulls == {
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    }
    assert event["requestContext"]["identity"]["userAgent"] is None
    assert event["isBase64Encoded"] is False


def test_every_request_has_its_own_id_which_the_response_names() -> None:
    route = Route("GET", "/", echo)
    replies = [ask(Scope(), route) for _ in range(2)]
    ids = [reply.json()["requestContext"]["requestId"] for reply in replies]
    assert [reply.headers["x-amzn-requestid"] for reply in replies] == ids
    assert len({UUID(identity) for identity in ids}) == 2


def test_a_body_that_is_not_utf8_comes_as_base64() -> None:
    scope = Scope("POST", "/", "", ("content-length", "3"))
    event = ask(scope, Route("POST", "/", echo), chunks=[b"\xff\x00\x80"]).json()
    assert event["body"] == b64encode(b"\xff\x00\x80").decode()
    assert event["isBase64Encoded"] is True


def test_query_parameters_are_decoded_and_the_last_of_a_name_wins() -> None:
    query = "a=1&a=%EC%BF%A0+%26&empty=&bare"
    event = ask(Scope("GET", "/", query), Route("GET", "/", echo)).json()
    assert event["queryStringParameters"] == {"a": "쿠 &", "empty": "", "bare": ""}
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "쿠 &"]


def test_path_parameters_are_decoded_and_the_path_stays_encoded() -> None:
    scope = Scope("GET", "/campaigns/a b쿠%2F")
    event = ask(scope, Route("GET", "/campaigns/{id}", echo)).json()
    assert event["pathParameters"] == {"id": "a b쿠%2F"}
    assert event["path"] == "/campaigns/a%20b%EC%BF%A0%252F"
    assert event["resource"] == event["requestContext"]["resourcePath"] == "/campaigns/{id}"


def test_the_client_address_is_appended_to_those_it_came_through() -> None:
    scope = Scope("GET", "/", "", ("x-forwarded-for", "198.51.100.1"))
    event = ask(scope, Route("GET", "/", echo)).json()
    assert event["headers"]["X-Forwarded-For"] == "198.51.100.1, 203.0.113.7"
    assert event["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"


def test_headers_of_the_connection_stay_outside() -> None:
    of_connection = ("proxy", "http://evil"), ("connection", "close")
    scope = Scope("GET", "/", "", *of_connection, ("x-own", "1"))
    headers = ask(scope, Route("GET", "/", echo)).json()["headers"]
    assert headers["X-Own"] == "1"
    assert not {"Proxy", "Connection"} & headers.keys()


def test_a_repeated_header_comes_as_a_list_and_its_last_value_alone() -> None:
    scope = Scope("GET", "/", "", ("x-own", "1"), ("x-own", "2, 3"))
    event = ask(scope, Route("GET", "/", echo)).json()
    assert event["multiValueHeaders"]["X-Own"] == ["1", "2, 3"]
    assert event["headers"]["X-Own"] == "2, 3"
