"""HTTP responses from a connection, parsed strictly: a sloppy one is a fault."""

from __future__ import annotations

import re
from typing import NamedTuple

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [ -~]*")
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~]*)")
NO_BODY = (204, 304)


class Response(NamedTuple):
    """One HTTP response; header names are in lower case, the body of one to HEAD is None."""

    status: int
    headers: dict[str, str]
    body: bytes | None


class MalformedError(Exception):
    """These bytes are not an HTTP response."""


def parse(data: bytes, *, maybe_head: bool) -> list[Response]:
    """Return the responses in `data`, to its end; raise MalformedError.

    maybe_head: some may be for HEAD, so a body may be missing.
    """
    responses = []
    while data:
        response, data = _first(data, maybe_head=maybe_head)
        responses.append(response)
    return responses


def _first(data: bytes, *, maybe_head: bool) -> tuple[Response, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        message = f"a response that is cut off: {data[:80]!r}"
        raise MalformedError(message)
    first, *lines = head.split(b"\r\n")
    found = STATUS_LINE.fullmatch(first)
    if not found:
        message = f"the status line is {first[:80]!r}"
        raise MalformedError(message)
    status, headers = int(found[1]), _headers(lines)
    if status < 200 or status in NO_BODY:
        return Response(status, headers, None), rest
    length = headers.get("content-length")
    if length is None or not length.isdecimal():
        message = f"a response of {status} without a length"
        raise MalformedError(message)
    if maybe_head and (not rest or STATUS_LINE.match(rest)):
        return Response(status, headers, None), rest
    body, rest = rest[: int(length)], rest[int(length) :]
    if len(body) < int(length):
        message = f"{len(body)} of {length} bytes of a body"
        raise MalformedError(message)
    return Response(status, headers, body), rest


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers = {}
    for line in lines:
        found = HEADER.fullmatch(line)
        if not found:
            message = f"the header line {line[:80]!r}"
            raise MalformedError(message)
        headers[found[1].decode().lower()] = found[2].decode()
    return headers
