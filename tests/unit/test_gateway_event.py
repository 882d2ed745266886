"""The gateway as a WSGI callable: events, answers and refusals, without a socket."""

from __future__ import annotations

import io
import json
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from wsgiref.validate import validator

import pytest

from local.apigateway import event as apigateway_event
from local.apigateway.event import proxy_event
from local.gateway import BODY_BYTES_MAX, make_application
from local.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = Path(__file__).parent.parent / "events"
REQUEST_ID = "01234567-89ab-4def-8123-456789abcdef"


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass
class Reply:
    status: str
    headers: dict[str, str]
    header_list: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def echo(event: dict[str, Any], _: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps(event)}


def environ(method: str = "GET", path: str = "/", body: bytes = b"", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "api.example.com",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.7",
        "HTTP_HOST": "api.example.com",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    } | more


def ask(request: dict[str, Any], *routes: Route) -> Reply:
    seen: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        seen.extend((status, headers))

    body = b"".join(make_application(routes)(request, start_response))
    return Reply(seen[0], {name.lower(): value for name, value in seen[1]}, seen[1], body)


def answering(answer: Any) -> Route:
    return Route("GET", "/", lambda _event, _context: answer)


def test_the_event_is_field_by_field_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads((EVENTS / "apigateway_post.json").read_text("utf-8"))
    now_ns = expected["requestContext"]["requestTimeEpoch"] * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    event = proxy_event(
        environ(
            "POST",
            HTTP_ACCEPT="*/*",
            HTTP_AUTHORIZATION="Bearer header.claims.signature",
            HTTP_USER_AGENT="curl/8.9.1",
            HTTP_X_AMZN_TRACE_ID="Root=1-6ad1b2c3-0123456789abcdef01234567",
            CONTENT_TYPE="application/json",
            QUERY_STRING="source=mail&tag=first&tag=second",
        ),
        resource="/campaigns/{id}/apply",
        path="/campaigns/welcome/apply",
        path_parameters={"id": "welcome"},
        body=expected["body"].encode(),
        request_id=REQUEST_ID,
        stage="local",
    )
    assert event == expected


def test_what_a_request_lacks_is_null_and_never_an_empty_dict() -> None:
    event = ask(environ(), Route("GET", "/", echo)).json()
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


def test_every_request_has_an_id_of_its_own_which_the_answer_tells() -> None:
    route = Route("GET", "/", echo)
    replies = [ask(environ(), route) for _ in range(2)]
    ids = [reply.json()["requestContext"]["requestId"] for reply in replies]
    assert [reply.headers["x-amzn-requestid"] for reply in replies] == ids
    assert len({UUID(identity) for identity in ids}) == 2


def test_a_body_that_is_no_utf8_comes_as_base64() -> None:
    event = ask(environ("POST", body=b"\xff\x00\x80"), Route("POST", "/", echo)).json()
    assert event["body"] == b64encode(b"\xff\x00\x80").decode()
    assert event["isBase64Encoded"] is True


def test_query_parameters_are_decoded_and_the_last_of_a_name_wins() -> None:
    query = "a=1&a=%EC%BF%A0+%26&empty=&bare"
    event = ask(environ(QUERY_STRING=query), Route("GET", "/", echo)).json()
    assert event["queryStringParameters"] == {"a": "쿠 &", "empty": "", "bare": ""}
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "쿠 &"]


def test_path_parameters_are_decoded_and_the_path_stays_encoded() -> None:
    latin1_of_utf8 = "/campaigns/a b쿠%2F".encode().decode("latin-1")
    event = ask(environ(path=latin1_of_utf8), Route("GET", "/campaigns/{id}", echo)).json()
    assert event["pathParameters"] == {"id": "a b쿠%2F"}
    assert event["path"] == "/campaigns/a%20b%EC%BF%A0%252F"
    assert event["resource"] == event["requestContext"]["resourcePath"] == "/campaigns/{id}"


def test_a_path_that_is_no_utf8_reaches_the_handler_with_replacements() -> None:
    event = ask(environ(path="/\xff"), Route("GET", "/{id}", echo)).json()
    assert event["pathParameters"] == {"id": "\ufffd"}


def test_the_client_address_is_appended_to_those_it_came_through() -> None:
    request = environ(HTTP_X_FORWARDED_FOR="198.51.100.1")
    event = ask(request, Route("GET", "/", echo)).json()
    assert event["headers"]["X-Forwarded-For"] == "198.51.100.1, 203.0.113.7"
    assert event["requestContext"]["identity"]["sourceIp"] == "203.0.113.7"


def test_headers_of_the_connection_and_the_environment_of_the_process_stay_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = {"HTTP_SOMETHING": "of the process"}
    monkeypatch.setattr(apigateway_event, "_ENVIRONMENT_NOT_HEADERS", ours)
    request = ours | environ(HTTP_PROXY="http://evil", HTTP_CONNECTION="close", HTTP_X_OWN="1")
    headers = ask(request, Route("GET", "/", echo)).json()["headers"]
    assert headers["X-Own"] == "1"
    assert not {"Proxy", "Connection", "Something"} & headers.keys()


def test_an_unknown_path_is_a_problem_with_its_code() -> None:
    reply = ask(environ(path="/nowhere"), Route("GET", "/", echo))
    assert reply.status == "404 Not Found"
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "code": "NOT_FOUND",
        "request_id": reply.headers["x-amzn-requestid"],
    }


def test_a_method_that_a_path_lacks_is_refused_with_those_it_has() -> None:
    routes = Route("GET", "/a", echo), Route("POST", "/a", echo)
    reply = ask(environ("DELETE", path="/a"), *routes)
    assert reply.status == "405 Method Not Allowed"
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.json()["code"] == "METHOD_NOT_ALLOWED"


def test_head_goes_where_get_goes() -> None:
    event = ask(environ("HEAD"), Route("GET", "/", echo)).json()
    assert event["httpMethod"] == event["requestContext"]["httpMethod"] == "HEAD"


def test_a_literal_path_wins_over_one_with_a_parameter() -> None:
    routes = Route("GET", "/a/{id}", echo), Route("GET", "/a/b", echo)
    assert ask(environ(path="/a/b"), *routes).json()["resource"] == "/a/b"
    assert ask(environ(path="/a/c"), *routes).json()["resource"] == "/a/{id}"
    assert ask(environ(path="/a/"), *routes).status == "404 Not Found"


@pytest.mark.parametrize("paths", [("/a", "/a"), ("/{id+}",), ("/{}",)])
def test_a_table_that_cannot_be_served_is_refused_at_once(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="/"):
        make_application([Route("GET", path, echo) for path in paths])


class CountingInput(io.RawIOBase):
    """Endless bytes that know how many were taken."""

    taken = 0

    def read(self, size: int = -1, /) -> bytes:
        assert size >= 0
        self.taken += size
        return b"x" * size


def test_an_announced_body_over_the_limit_is_refused_unread() -> None:
    source = CountingInput()
    length = str(BODY_BYTES_MAX + 1)
    request = environ("POST", CONTENT_LENGTH=length) | {"wsgi.input": source}
    reply = ask(request, Route("POST", "/", echo))
    assert reply.status.startswith("413 ")
    assert reply.json()["code"] == "PAYLOAD_TOO_LARGE"
    assert source.taken == 0


def test_a_body_without_length_is_read_no_further_than_the_limit() -> None:
    source = CountingInput()
    request = environ("POST", HTTP_TRANSFER_ENCODING="chunked") | {"wsgi.input": source}
    assert ask(request, Route("POST", "/", echo)).status.startswith("413 ")
    assert source.taken <= BODY_BYTES_MAX + 64 * 1024


def test_a_body_without_length_within_the_limit_is_passed_on() -> None:
    request = environ("POST", body=b"hello", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
    event = ask(request, Route("POST", "/", echo)).json()
    assert event["body"] == "hello"
    assert "Transfer-Encoding" not in event["headers"]


def test_a_body_that_ends_early_never_reaches_the_handler() -> None:
    request = environ("POST", body=b"hal", CONTENT_LENGTH="4")
    reply = ask(request, Route("POST", "/", lambda *_: pytest.fail("called")))
    assert reply.status == "400 Bad Request"
    assert reply.json()["code"] == "INVALID_REQUEST"


def test_a_handler_that_raises_is_a_502_and_one_json_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
        message = "two\nlines"
        raise RuntimeError(message)

    reply = ask(environ(), Route("GET", "/", broken))
    assert reply.status == "502 Bad Gateway"
    assert reply.json() == {"message": "Internal server error"}
    (line,) = capsys.readouterr().err.splitlines()
    logged = json.loads(line)
    assert logged["error"] == "RuntimeError"
    assert logged["function"] == "broken"
    assert logged["request_id"] == reply.headers["x-amzn-requestid"]
    assert any("in broken" in place for place in logged["stack"])


@pytest.mark.parametrize(
    "answer",
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
def test_an_answer_that_api_gateway_would_not_take_is_a_502(
    answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(environ(), answering(answer)).status == "502 Bad Gateway"
    assert json.loads(capsys.readouterr().err)["error"] == "MalformedAnswerError"


def test_single_and_multiple_headers_are_merged_as_api_gateway_does() -> None:
    reply = ask(
        environ(),
        answering(
            {
                "statusCode": "201",
                "headers": {"set-cookie": "lost=1", "X-Number": 3, "X-Flag": True},
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
                "body": "쿠폰",
            }
        ),
    )
    assert reply.status == "201 Created"
    assert [value for name, value in reply.header_list if name.lower() == "set-cookie"] == [
        "a=1",
        "b=2",
    ]
    assert reply.headers["x-number"] == "3"
    assert reply.headers["x-flag"] == "true"
    assert reply.headers["content-type"] == "application/json"
    assert reply.body == "쿠폰".encode()


def test_a_base64_answer_is_given_as_bytes() -> None:
    body = b64encode(b"\x00\xff").decode()
    reply = ask(environ(), answering({"statusCode": 200, "body": body, "isBase64Encoded": True}))
    assert reply.body == b"\x00\xff"


def test_the_application_keeps_the_rules_of_wsgi() -> None:
    application = validator(make_application([Route("POST", "/", echo)]))
    started: list[str] = []

    def start_response(status: str, _headers: Any, _exc_info: Any = None) -> Any:
        started.append(status)
        return lambda _data: None

    request = environ("POST", body=b"hello")
    result = application(request, start_response)
    assert json.loads(b"".join(result))["body"] == "hello"
    result.close()  # type: ignore[attr-defined]  # the validator's iterator has it
    assert started == ["200 OK"]


def test_the_deadline_of_a_context_runs_down_to_zero_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    context = LambdaContext("apply_handler", timeout_s=29)
    assert context.get_remaining_time_in_millis() == 29_000
    now_s[0] += 28.5
    assert context.get_remaining_time_in_millis() == 500
    now_s[0] += 60
    assert context.get_remaining_time_in_millis() == 0


def test_a_context_has_what_lambda_gives() -> None:
    context = LambdaContext("apply_handler", timeout_s=29)
    assert context.function_name == "apply_handler"
    assert context.function_version == "$LATEST"
    assert context.invoked_function_arn.endswith(":function:apply_handler")
    assert context.memory_limit_in_mb.isdecimal()
    assert UUID(context.aws_request_id) == UUID(context.aws_request_id)
    assert context.log_group_name == "/aws/lambda/apply_handler"
    assert context.log_stream_name
    assert context.identity is None
    assert context.client_context is None
