"""Reads a request's body, within limits of size and time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.gateway.rsgi import Headers, RsgiProtocol

# API Gateway's limit of a request's payload.
BODY_BYTES_MAX = 10 * 1024 * 1024
# API Gateway's limit of an integration: a client that is slower gets no response there, either.
BODY_TIMEOUT_S = 29.0


class UnreadableBodyError(Exception):
    """The body is too large, too slow or incomplete; the handler is not called."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def is_announced(headers: Headers) -> bool:
    """Return whether a body follows."""
    announced = headers.get("content-length")
    return announced != "0" if announced else bool(headers.get("transfer-encoding"))


async def read_body(headers: Headers, protocol: RsgiProtocol) -> bytes:
    """Return the body; raise UnreadableBodyError after reading little more than the limit."""
    announced = headers.get("content-length") or ""
    # The server has rejected a Content-Length that is not a number.
    if announced and int(announced) > BODY_BYTES_MAX:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await _all_of(protocol)
    except TimeoutError as error:
        detail = f"The body took longer than {BODY_TIMEOUT_S:.0f} s."
        raise UnreadableBodyError(HTTPStatus.REQUEST_TIMEOUT, "TIMEOUT", detail) from error
    if announced and len(body) != int(announced):
        detail = f"The body ended after {len(body)} of {announced} bytes."
        raise UnreadableBodyError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", detail)
    return body


async def _all_of(protocol: RsgiProtocol) -> bytes:
    chunks, size = [], 0
    async for chunk in protocol:
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _too_large()
    return b"".join(chunks)


def _too_large() -> UnreadableBodyError:
    detail = f"The body has more than {BODY_BYTES_MAX} bytes."
    return UnreadableBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
