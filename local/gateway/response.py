"""From a handler's answer to HTTP, by the rules of API Gateway's Lambda proxy integration."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.domain.errors import RETRY_AFTER_S
from handlers.edge.http.response import title

# Lambda refuses to return more (6 MiB and a little for the envelope).
ANSWER_BYTES_MAX = 6_291_556
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: a token
HEADERS_CACHED = 256
STATUS_MIN, STATUS_MAX = 100, 599


class Response(NamedTuple):
    """What an HTTP server wants to know."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MalformedProxyResponseError(Exception):
    """API Gateway would not understand this answer, and would say 502."""


def response(answer: Any) -> Response:
    """Return `answer` as HTTP; raise MalformedProxyResponseError where API Gateway refuses it."""
    if not isinstance(answer, dict):
        message = f"the handler returned {type(answer).__name__}, not a dict"
        raise MalformedProxyResponseError(message)
    body = _body(answer.get("body"), is_base64=answer.get("isBase64Encoded") is True)
    if len(body) > ANSWER_BYTES_MAX:
        message = f"the body has {len(body)} bytes, and Lambda returns {ANSWER_BYTES_MAX} at most"
        raise MalformedProxyResponseError(message)
    return Response(_status(answer.get("statusCode")), _headers(answer), body)


def problem(status: HTTPStatus, code: str, detail: str, request_id: str) -> Response:
    """Return an error that the gateway itself gives (RFC 9457), like those of the handlers."""
    fields = {
        "type": "about:blank",
        "title": title(status),
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
    headers = [("Content-Type", "application/problem+json")]
    return Response(status.value, headers, json.dumps(fields).encode())


def bad_gateway() -> Response:
    """Return what API Gateway says of a function that raised or answered nonsense."""
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "InternalServerErrorException"),
    ]
    return Response(HTTPStatus.BAD_GATEWAY.value, headers, b'{"message": "Internal server error"}')


def overloaded(request_id: str) -> Response:
    """Return what a request is told that there was no room for."""
    detail = "There are too many requests at the moment; this one may be sent again."
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", detail, request_id)
    answer.headers.extend((("Retry-After", str(RETRY_AFTER_S)), ("Cache-Control", "no-store")))
    return answer


def _status(code: object) -> int:
    # API Gateway takes a number in quotes as well.
    number = int(code) if isinstance(code, str) and code.isdecimal() else code
    if type(number) is not int or not STATUS_MIN <= number <= STATUS_MAX:
        message = f"statusCode is {code!r}"
        raise MalformedProxyResponseError(message)
    return number


def _headers(answer: dict[str, Any]) -> list[tuple[str, str]]:
    single, multiple = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        message = "headers and multiValueHeaders must be dicts"
        raise MalformedProxyResponseError(message)
    headers = [_header(name, value) for name, value in single.items()]
    if multiple:
        if not all(isinstance(values, list) for values in multiple.values()):
            message = "multiValueHeaders must hold lists"
            raise MalformedProxyResponseError(message)
        # Where a name stands in both, API Gateway takes multiValueHeaders alone.
        repeated = {name.lower() for name in multiple}
        headers = [header for header in headers if header[0].lower() not in repeated]
        headers += [_header(name, value) for name, values in multiple.items() for value in values]
    if "Content-Type" in single and not multiple:
        return headers
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return headers


def _header(name: Any, value: object) -> tuple[str, str]:
    if type(name) is str and type(value) is str:
        return _checked(name, value)
    if not isinstance(name, str) or not isinstance(value, str | int | float):
        raise _not_carried(name)
    return _checked(name, str(value).lower() if isinstance(value, bool) else str(value))


@lru_cache(maxsize=HEADERS_CACHED)  # nearly all answers have the same ones
def _checked(name: str, text: str) -> tuple[str, str]:
    if not (HEADER_NAME.fullmatch(name) and text.isprintable() and text.isascii()):
        raise _not_carried(name)
    return name, text


def _not_carried(name: object) -> MalformedProxyResponseError:
    # The value may be a secret, so only the name is told.
    return MalformedProxyResponseError(f"the header {name!r} has a value that HTTP cannot carry")


def _body(body: object, *, is_base64: bool) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        message = f"the body is {type(body).__name__}, not str"
        raise MalformedProxyResponseError(message)
    if not is_base64:
        return body.encode("utf-8", "replace")
    try:
        return b64decode(body, validate=True)
    except ValueError as error:
        message = "isBase64Encoded is set, and the body is no base64"
        raise MalformedProxyResponseError(message) from error
