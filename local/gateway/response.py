"""Turns a handler's output into HTTP, by the rules of API Gateway's Lambda proxy integration."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.domain.errors import RETRY_AFTER_S
from handlers.edge.http.response import method_not_allowed as refused
from handlers.edge.http.response import title
from handlers.edge.http.web_files import CONTENT_TYPES, HTML

# Lambda refuses to return more (6 MiB and a little for the envelope).
RESPONSE_BYTES_MAX = 6_291_556
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: a token
HEADERS_CACHED = 256
# Files of the pages: each is the same text every time, some have a megabyte, and a client needs
# no token. Encoding such a text takes milliseconds, in which this process does nothing else.
FILE_TYPES = frozenset({HTML, *CONTENT_TYPES.values()}) - {"application/json"}
FILE_LENGTH_MIN = 2048
FILES_CACHED = 128
STATUS_MIN, STATUS_MAX = 100, 599


class Response(NamedTuple):
    """The parts of an HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MalformedProxyResponseError(Exception):
    """API Gateway would not understand this output, and would respond with 502."""


def http_response(output: Any) -> Response:
    """Return `output` as HTTP; raise MalformedProxyResponseError where API Gateway rejects it."""
    if not isinstance(output, dict):
        message = f"the handler returned {type(output).__name__}, not a dict"
        raise MalformedProxyResponseError(message)
    headers = _headers(output)
    body = _body(output.get("body"), headers, is_base64=output.get("isBase64Encoded") is True)
    if len(body) > RESPONSE_BYTES_MAX:
        message = f"the body has {len(body)} bytes, and Lambda returns {RESPONSE_BYTES_MAX} at most"
        raise MalformedProxyResponseError(message)
    return Response(_status(output.get("statusCode")), headers, body)


def _is_file(headers: list[tuple[str, str]]) -> bool:
    return any(name == "Content-Type" and value in FILE_TYPES for name, value in headers)


@lru_cache(maxsize=FILES_CACHED)
def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def problem(status: HTTPStatus, code: str, detail: str, request_id: str) -> Response:
    """Return an error of the gateway itself (RFC 9457), in the form of the handlers' errors."""
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


def not_found(request_id: str) -> Response:
    """Return the response to a path that is not in the route table."""
    return problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", "There is nothing at this path.", request_id)


def method_not_allowed(allow: str, request_id: str) -> Response:
    """Return the response to a method that its path does not have; `allow` lists those it has."""
    return http_response(refused(allow, request_id))


def bad_gateway() -> Response:
    """Return API Gateway's response for a function that raised or returned an invalid output."""
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "InternalServerErrorException"),
    ]
    return Response(HTTPStatus.BAD_GATEWAY.value, headers, b'{"message": "Internal server error"}')


def overloaded(request_id: str) -> Response:
    """Return the response to a request that was shed."""
    detail = "There are too many requests at the moment; this one may be sent again."
    response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", detail, request_id)
    response.headers.extend((("Retry-After", str(RETRY_AFTER_S)), ("Cache-Control", "no-store")))
    return response


def _status(code: object) -> int:
    # API Gateway accepts a number in quotes as well.
    number = int(code) if isinstance(code, str) and code.isdecimal() else code
    if type(number) is not int or not STATUS_MIN <= number <= STATUS_MAX:
        message = f"statusCode is {code!r}"
        raise MalformedProxyResponseError(message)
    return number


def _headers(output: dict[str, Any]) -> list[tuple[str, str]]:
    single, multiple = output.get("headers") or {}, output.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(multiple, dict):
        message = "headers and multiValueHeaders must be dicts"
        raise MalformedProxyResponseError(message)
    if not multiple:
        headers = _checked(single)
        if "Content-Type" in single:
            return headers
    else:
        if not all(isinstance(values, list) for values in multiple.values()):
            message = "multiValueHeaders must hold lists"
            raise MalformedProxyResponseError(message)
        # For a name in both, API Gateway uses only multiValueHeaders.
        repeated = {name.lower() for name in multiple}
        headers = [header for header in _checked(single) if header[0].lower() not in repeated]
        headers += [_header(name, value) for name, values in multiple.items() for value in values]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return headers


def _checked(headers: dict[Any, Any]) -> list[tuple[str, str]]:
    try:
        return [*map(_known_header, headers, headers.values())]
    except TypeError:  # a value that is no text or number may have no hash
        return [*map(_header, headers, headers.values())]


def _header(name: Any, value: object) -> tuple[str, str]:
    if not isinstance(name, str) or not isinstance(value, str | int | float):
        raise _not_carried(name)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not (HEADER_NAME.fullmatch(name) and text.isprintable() and text.isascii()):
        raise _not_carried(name)
    return name, text


# Nearly all responses have the same headers. By type: 1 equals True, and is another text.
_known_header = lru_cache(maxsize=HEADERS_CACHED, typed=True)(_header)


def _not_carried(name: object) -> MalformedProxyResponseError:
    # The value may be a secret, so the message has only the name.
    return MalformedProxyResponseError(f"the header {name!r} has a value that HTTP cannot carry")


def _body(body: object, headers: list[tuple[str, str]], *, is_base64: bool) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        message = f"the body is {type(body).__name__}, not str"
        raise MalformedProxyResponseError(message)
    if not is_base64:
        is_file = len(body) >= FILE_LENGTH_MIN and _is_file(headers)
        return _encoded(body) if is_file else body.encode("utf-8", "replace")
    try:
        return b64decode(body, validate=True)
    except ValueError as error:
        message = "isBase64Encoded is set, but the body is not base64"
        raise MalformedProxyResponseError(message) from error
