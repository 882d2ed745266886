"""Reads a request's body, within limits of size and time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from handlers.domain.errors import PayloadTooLargeError
from handlers.edge.http.request import BODY_BYTES_MAX

if TYPE_CHECKING:
    from local.gateway.response import Response
    from local.gateway.rsgi import Headers, RsgiProtocol

# For the whole body: 16 KiB take a phone on a slow network a second or two.
BODY_TIMEOUT_S = 10.0
# The server closes a connection with an unread body by itself. It says so in the response only
# where it notices in time, and a client that does not know sends its next request in vain.
CLOSES = ("Connection", "close")


class UnreadableBodyError(Exception):
    """The body is too large, too slow, incomplete or malformed; the handler is not called."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def is_announced(headers: Headers) -> bool:
    """Return whether a body follows."""
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return False
    announced = headers.get("content-length")
    return announced != "0" if announced else bool(headers.get("transfer-encoding"))


def unread(headers: Headers, response: Response) -> Response:
    """Return the response to a request of which only the head was read; a body may follow."""
    if _is_chunked(headers) or _is_long(headers):
        response.headers.append(CLOSES)
    return response


def refuse_long(headers: Headers) -> None:
    """Raise UnreadableBodyError for a body whose announced length is over the limit."""
    if not _is_chunked(headers) and _is_long(headers):
        raise _too_large()


async def read_body(headers: Headers, protocol: RsgiProtocol) -> bytes:
    """Return the body; raise UnreadableBodyError, after at most one chunk more than the limit."""
    refuse_long(headers)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            # With a length, the server itself reads no further than that.
            return await (_chunks(protocol) if _is_chunked(headers) else protocol())
    except TimeoutError as error:
        detail = f"The body took longer than {BODY_TIMEOUT_S:.0f} s."
        raise UnreadableBodyError(HTTPStatus.REQUEST_TIMEOUT, "TIMEOUT", detail) from error
    except (ProtocolClosed, ProtocolError) as error:
        detail = "The body ended before its announced length."
        raise UnreadableBodyError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", detail) from error


async def _chunks(protocol: RsgiProtocol) -> bytes:
    chunks, size, has_ended = [], 0, False
    async for chunk in protocol:
        if has_ended:
            raise _malformed()
        has_ended = not chunk
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _too_large()
    return b"".join(chunks)


def _is_chunked(headers: Headers) -> bool:
    # It decides where a request has both; that is RFC 9112, section 6.3, and what the server does.
    return bool(headers.get("transfer-encoding"))


def _is_long(headers: Headers) -> bool:
    # The server has rejected a Content-Length that is not a number.
    return int(headers.get("content-length") or 0) > BODY_BYTES_MAX


def _too_large() -> UnreadableBodyError:
    refused = PayloadTooLargeError()
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return UnreadableBodyError(status, refused.code, str(refused))


def _malformed() -> UnreadableBodyError:
    detail = "The body's chunks are malformed, end early, or have trailers."
    return UnreadableBodyError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", detail)
