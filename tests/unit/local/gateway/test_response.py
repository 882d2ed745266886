"""The HTTP response to a handler's output, and to a handler that raises."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from handlers.edge.http.web_files import HTML
from local.gateway.response import MalformedProxyResponseError, http_response
from tests.support.rsgi import Route, Scope, answering, ask


def test_a_handler_that_raises_is_a_502_and_one_json_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        message = "two\nlines"
        raise RuntimeError(message)

    reply = ask(Scope(), Route("GET", "/", broken))
    assert reply.status == 502
    assert reply.json() == {"message": "Internal server error"}
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert logged["error"] == "RuntimeError"
    assert logged["function"] == "broken"
    assert logged["request_id"] == reply.headers["x-amzn-requestid"]
    assert any("in broken" in frame for frame in logged["stack"])


@pytest.mark.parametrize(
    "output",
    [
        None,
        "text",
        {},
        {"statusCode": "many"},
        {"statusCode": True},
        {"statusCode": 42},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "headers": {"X": "쿠폰"}},
        {"statusCode": 200, "headers": {"X y": "1"}},
        {"statusCode": 200, "headers": {"X": None}},
        {"statusCode": 200, "multiValueHeaders": {"X": "not a list"}},
        {"statusCode": 200, "body": "x" * 6_291_557},
    ],
)
def test_a_response_that_api_gateway_would_reject_is_a_502(
    output: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(Scope(), answering(output)).status == 502
    assert json.loads(capsys.readouterr().err)["error"] == "MalformedProxyResponseError"


def test_single_and_multiple_headers_are_merged_as_api_gateway_does() -> None:
    reply = ask(
        Scope(),
        answering(
            {
                "statusCode": "201",
                "headers": {"set-cookie": "lost=1", "X-Number": 3, "X-Flag": True},
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
                "body": "쿠폰",
            }
        ),
    )
    assert reply.status == 201
    assert [value for name, value in reply.header_list if name.lower() == "set-cookie"] == [
        "a=1",
        "b=2",
    ]
    assert reply.headers["x-number"] == "3"
    assert reply.headers["x-flag"] == "true"
    assert reply.headers["content-type"] == "application/json"
    assert reply.body == "쿠폰".encode()


def test_headers_that_are_equal_in_python_keep_their_own_texts() -> None:
    """A cache of checked headers takes 1, 1.0 and true for the same key, unless it is told."""
    values = (1, True, 1.0, "1")
    replies = [ask(Scope(), answering({"statusCode": 200, "headers": {"X-N": n}})) for n in values]
    assert [reply.headers["x-n"] for reply in replies] == ["1", "true", "1.0", "1"]


def test_a_header_that_is_a_list_is_named() -> None:
    with pytest.raises(MalformedProxyResponseError, match="'X-List'"):
        http_response({"statusCode": 200, "headers": {"X-List": ["a"]}})


def test_a_base64_response_is_sent_as_bytes() -> None:
    body = b64encode(b"\x00\xff").decode()
    reply = ask(Scope(), answering({"statusCode": 200, "body": body, "isBase64Encoded": True}))
    assert reply.body == b"\x00\xff"


@pytest.mark.parametrize(("content_type", "is_kept"), [(HTML, True), ("text/csv", False)])
def test_a_file_of_a_page_is_encoded_once_and_what_belongs_to_a_person_is_not_kept(
    content_type: str, *, is_kept: bool
) -> None:
    text = "한" * 100_000
    output = {"statusCode": 200, "headers": {"Content-Type": content_type}, "body": text}
    first, second = (ask(Scope(), answering(output)).body for _ in range(2))
    assert first == second == text.encode()
    assert (first is second) is is_kept
