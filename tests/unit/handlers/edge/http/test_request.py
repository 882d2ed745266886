"""handlers/edge/http/request.py: an event as API Gateway and Chalice's local gateway send it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from handlers.domain.errors import (
    CampaignNotFoundError,
    InvalidRequestError,
    PayloadTooLargeError,
)
from handlers.edge.http.request import Request, request_id_of
from tests.support.paths import EVENTS

FULL_EVENT = EVENTS / "apigateway_post.json"
LIMIT = 16 * 1024


def request_of(**event: Any) -> Request:
    return Request.of(event, "request", {})


def test_a_full_event_is_read_whole() -> None:
    event = json.loads(FULL_EVENT.read_text(encoding="utf-8"))
    request = Request.of(event, request_id_of(event), {})
    assert request.request_id == event["requestContext"]["requestId"]
    assert request.headers["authorization"] == "Bearer header.claims.signature"
    assert request.campaign_id() == "welcome"
    assert request.query == {"source": "mail", "tag": "second"}
    assert request.json_object() == {"note": "쿠폰"}


def test_an_event_of_chalices_local_gateway_is_read_whole() -> None:
    request = request_of(
        requestContext={"httpMethod": "POST", "resourcePath": "/campaigns", "path": "/campaigns"},
        headers={"authorization": "Bearer x", "content-type": "application/json"},
        multiValueQueryStringParameters={"limit": ["3", "5"], "empty": []},
        pathParameters={"id": "welcome"},
        stageVariables={},
        body=b'{"a":1}',
    )
    assert request.headers["authorization"] == "Bearer x"
    assert request.query == {"limit": "5"}
    assert request.campaign_id() == "welcome"
    assert request.json_object() == {"a": 1}


@pytest.mark.parametrize(
    "event",
    [
        {},
        dict.fromkeys(
            [
                "headers",
                "multiValueHeaders",
                "queryStringParameters",
                "multiValueQueryStringParameters",
                "pathParameters",
                "requestContext",
                "body",
                "isBase64Encoded",
            ]
        ),
    ],
)
def test_an_event_with_nothing_in_it_is_an_empty_request(event: dict[str, Any]) -> None:
    request = Request.of(event, request_id_of(event), {})
    assert (request.headers, request.path, request.query, request.body) == ({}, {}, {}, b"")
    assert len(request.request_id) == 36


def test_each_request_without_an_id_gets_its_own() -> None:
    assert request_id_of({"requestContext": {}}) != request_id_of({"requestContext": {}})


@pytest.mark.parametrize(
    "given", ["", 7, ["a"], "a b", "a\r\nSet-Cookie: a=b", "\ud800", "é", "a" * 129, "<script>"]
)
def test_an_id_that_could_do_harm_in_a_header_or_a_log_is_replaced(given: object) -> None:
    request_id = request_id_of({"requestContext": {"requestId": given}})
    assert re.fullmatch(r"[0-9a-f-]{36}", request_id)


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "TEXT/CSV",
        "text/html, text/csv;q=0.1",
        "a/b;c, text/csv ; header=present",
        ",text/csv,",
    ],
)
def test_csv_is_given_to_a_client_that_names_it(accept: str) -> None:
    assert request_of(headers={"ACCEPT": accept}).wants_csv()


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/*", "text/csvx", "x-text/csv", "text/csv;q=0", "text/csv; Q=0.000"]
)
def test_csv_is_given_to_no_other_client(accept: str) -> None:
    assert not request_of(headers={"Accept": accept}).wants_csv()
    assert not request_of().wants_csv()


def test_header_names_are_read_in_any_case_and_none_is_passed_over() -> None:
    request = request_of(headers={"AUTHORIZATION": "Bearer x", "Accept": None})
    assert request.headers == {"authorization": "Bearer x"}


def test_headers_may_come_as_lists_alone() -> None:
    request = request_of(multiValueHeaders={"Accept": ["text/html", "text/csv"], "Empty": []})
    assert request.headers == {"accept": "text/csv"}


@pytest.mark.parametrize("body", ["{}", b"{}", bytearray(b"{}")])
def test_a_body_may_be_text_or_bytes(body: object) -> None:
    assert request_of(body=body).body == b"{}"


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_body_in_base64_is_decoded(kind: type) -> None:
    encoded = base64.b64encode(b'{"a":1}')
    body = encoded.decode() if kind is str else encoded
    assert request_of(body=body, isBase64Encoded=True).json_object() == {"a": 1}


@pytest.mark.parametrize("body", ["a", "****", "YQ==YQ==", "é", "\ud800", "YQ==\n\n", b"\xff\xff"])
def test_a_body_that_is_not_base64_is_refused(body: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^body: is no base64"):
        request_of(body=body, isBase64Encoded=True)


@pytest.mark.parametrize("body", ["a" * LIMIT, b"a" * LIMIT, "é" * (LIMIT // 2)])
def test_a_body_of_16_kib_is_taken(body: object) -> None:
    assert len(request_of(body=body).body) == LIMIT


@pytest.mark.parametrize(
    "body", ["a" * (LIMIT + 1), b"a" * (LIMIT + 1), "é" * (LIMIT // 2 + 1), "x" * 5_000_000]
)
def test_a_body_over_16_kib_is_refused(body: object) -> None:
    with pytest.raises(PayloadTooLargeError):
        request_of(body=body)


def test_the_limit_is_the_same_for_base64() -> None:
    allowed = base64.b64encode(b"a" * LIMIT).decode()
    assert len(request_of(body=allowed, isBase64Encoded=True).body) == LIMIT
    for size in (LIMIT + 1, LIMIT * 10):
        too_large = base64.b64encode(b"a" * size).decode()
        with pytest.raises(PayloadTooLargeError):
            request_of(body=too_large, isBase64Encoded=True)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "1",
        b"\xff",
        "\ud800",
        "[" * LIMIT,
        '{"a":' * 3000,
        '{"a":' + "9" * 5000 + "}",
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1,"a":2}',
        '{"a":[{"b":1,"b":1}]}',
        "{}{}",
        "{} x",
        "{'a':1}",
        "\ufeff{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b'{"a":"\xed\xa0\x80"}',
        b"{}\0",
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(body: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^body: must be a JSON object"):
        request_of(body=body).json_object()


@pytest.mark.parametrize(
    "path", [None, {}, {"id": ""}, {"id": "A"}, {"id": "a%20b"}, {"other": "a"}]
)
def test_an_id_that_no_campaign_can_have_is_not_found(path: object) -> None:
    with pytest.raises(CampaignNotFoundError):
        request_of(pathParameters=path).campaign_id()


@pytest.mark.parametrize(("text", "number"), [(None, 7), ("1", 1), ("10", 10), ("007", None)])
def test_a_number_of_the_query_lies_within_its_bounds(text: str | None, number: int | None) -> None:
    request = request_of(queryStringParameters=None if text is None else {"limit": text})
    if number is not None:
        assert request.number("limit", 7, 1, 10) == number
        return
    with pytest.raises(InvalidRequestError, match=r"^limit: must be a whole number from 1 to 10$"):
        request.number("limit", 7, 1, 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "11",
        "-1",
        "+1",
        "1.0",
        "1e1",
        " 1",
        "1_0",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "²",
        "\ud800",
        "9" * 5000,
    ],
)
def test_any_other_number_of_the_query_is_refused(text: str) -> None:
    request = request_of(queryStringParameters={"limit": text})
    with pytest.raises(InvalidRequestError, match=r"^limit: "):
        request.number("limit", 7, 1, 10)
