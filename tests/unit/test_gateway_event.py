"""The gateway as an RSGI application: events, answers and refusals, without a socket."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from local.apigateway.body import BODY_BYTES_MAX
from local.apigateway.event import proxy_event
from local.apigateway.incoming import Incoming
from local.gateway import make_application
from local.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

EVENTS = Path(__file__).parent.parent / "events"
REQUEST_ID = "01234567-89ab-4def-8123-456789abcdef"


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    at_once: Callable[[str, str, str], dict[str, Any] | None] | None = None


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    header_list: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def echo(event: dict[str, Any], _: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps(event)}


class Headers:
    def __init__(self, items: list[tuple[str, str]]) -> None:
        self._items = items

    def get(self, key: str, default: str | None = None) -> str | None:
        return next((value for name, value in self._items if name == key), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._items if name == key]

    def items(self) -> list[tuple[str, str]]:
        return self._items


class Scope:
    """A request's head, as Granian gives it."""

    http_version = "1.1"
    client = "203.0.113.7:40000"
    server = "192.0.2.1:443"
    scheme = "https"

    def __init__(
        self, method: str = "GET", path: str = "/", query: str = "", *headers: tuple[str, str]
    ) -> None:
        self.method = method
        self.path = path
        self.query_string = query
        self.headers = Headers([("host", "api.example.com"), *headers])


class Exchange:
    """A client that sends `chunks` and keeps the answer."""

    def __init__(self, chunks: Iterable[bytes] = ()) -> None:
        self._chunks = iter(chunks)
        self.answered: tuple[int, Sequence[tuple[str, str]], bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        assert self.answered is None
        self.answered = status, headers, body


class Silent(Exchange):
    """A client that announces a body and sends none."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""


def ask(
    scope: Scope,
    *routes: Route,
    chunks: Iterable[bytes] = (),
    exchange: Exchange | None = None,
) -> Reply:
    async def served() -> None:
        loop = asyncio.get_running_loop()
        gateway = make_application(routes)
        gateway.__rsgi_init__(loop)
        await gateway.__rsgi__(scope, client)
        gateway.__rsgi_del__(loop)

    client = exchange or Exchange(chunks)
    asyncio.run(served())
    assert client.answered
    status, headers, body = client.answered
    return Reply(status, {name.lower(): value for name, value in headers}, list(headers), body)


def answering(answer: Any) -> Route:
    return Route("GET", "/", lambda _event, _context: answer)


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
        Incoming.of(scope, expected["body"].encode()),
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


def test_every_request_has_an_id_of_its_own_which_the_answer_tells() -> None:
    route = Route("GET", "/", echo)
    replies = [ask(Scope(), route) for _ in range(2)]
    ids = [reply.json()["requestContext"]["requestId"] for reply in replies]
    assert [reply.headers["x-amzn-requestid"] for reply in replies] == ids
    assert len({UUID(identity) for identity in ids}) == 2


def test_a_body_that_is_no_utf8_comes_as_base64() -> None:
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


def test_an_unknown_path_is_a_problem_with_its_code() -> None:
    reply = ask(Scope("GET", "/nowhere"), Route("GET", "/", echo))
    assert reply.status == 404
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
    reply = ask(Scope("DELETE", "/a"), *routes)
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.json()["code"] == "METHOD_NOT_ALLOWED"


def test_head_goes_where_get_goes() -> None:
    event = ask(Scope("HEAD"), Route("GET", "/", echo)).json()
    assert event["httpMethod"] == event["requestContext"]["httpMethod"] == "HEAD"


def test_a_literal_path_wins_over_one_with_a_parameter() -> None:
    routes = Route("GET", "/a/{id}", echo), Route("GET", "/a/b", echo)
    assert ask(Scope("GET", "/a/b"), *routes).json()["resource"] == "/a/b"
    assert ask(Scope("GET", "/a/c"), *routes).json()["resource"] == "/a/{id}"
    assert ask(Scope("GET", "/a/"), *routes).status == 404


@pytest.mark.parametrize("paths", [("/a", "/a"), ("/{id+}",), ("/{}",)])
def test_a_table_that_cannot_be_served_is_refused_at_once(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="/"):
        make_application([Route("GET", path, echo) for path in paths])


class Endless:
    """Bytes that know how many were taken."""

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
    monkeypatch.setattr("local.apigateway.body.BODY_TIMEOUT_S", 0.01)
    scope = Scope("POST", "/", "", ("content-length", "4"))
    reply = ask(scope, Route("POST", "/", echo), exchange=Silent())
    assert (reply.status, reply.json()["code"]) == (408, "TIMEOUT")


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
    assert ask(Scope(), answering(answer)).status == 502
    assert json.loads(capsys.readouterr().err)["error"] == "MalformedAnswerError"


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


def test_a_base64_answer_is_given_as_bytes() -> None:
    body = b64encode(b"\x00\xff").decode()
    reply = ask(Scope(), answering({"statusCode": 200, "body": body, "isBase64Encoded": True}))
    assert reply.body == b"\x00\xff"


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


class Refuser:
    """Answers at once, and notes what it was told."""

    def __init__(self, answer: dict[str, Any] | None) -> None:
        self.answer = answer
        self.told: list[tuple[str, str, str]] = []

    __name__ = "refuse_at_once"

    def __call__(self, campaign_id: str, authorization: str, request_id: str) -> Any:
        self.told.append((campaign_id, authorization, request_id))
        return self.answer


def refusable(refuser: Any) -> Route:
    return Route("POST", "/campaigns/{id}/apply", echo, refuser)


APPLY = "POST", "/campaigns/welcome/apply", ""
REFUSED = {"statusCode": 409, "headers": {"Content-Type": "text/plain"}, "body": "gone"}


def test_what_can_be_answered_at_once_is_not_handed_to_the_handler() -> None:
    refuser = Refuser(REFUSED)
    reply = ask(Scope(*APPLY, ("authorization", "a"), ("authorization", "b")), refusable(refuser))
    assert (reply.status, reply.headers["content-type"], reply.body) == (409, "text/plain", b"gone")
    # Of a header that comes twice the event has the last one, too.
    assert refuser.told == [("welcome", "b", reply.headers["x-amzn-requestid"])]


def test_what_cannot_be_answered_at_once_is_the_handlers() -> None:
    refuser = Refuser(None)
    event = ask(Scope(*APPLY), refusable(refuser)).json()
    [(campaign_id, authorization, request_id)] = refuser.told
    assert (campaign_id, authorization) == ("welcome", "")
    assert event["requestContext"]["requestId"] == request_id


def test_a_request_with_a_body_is_the_handlers() -> None:
    refuser = Refuser(REFUSED)
    scope = Scope(*APPLY, ("content-length", "2"))
    assert ask(scope, refusable(refuser), chunks=[b"{}"]).json()["body"] == "{}"
    assert refuser.told == []


@pytest.mark.parametrize("answer", [{"statusCode": "none"}, ["no dict"]])
def test_a_fault_in_an_answer_at_once_is_a_502_as_in_any_other(
    answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(Scope(*APPLY), refusable(Refuser(answer))).status == 502
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["message"], line["function"]) == ("the handler failed", "refuse_at_once")
