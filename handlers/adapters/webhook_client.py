"""Sends one HTTP request to a webhook, and never into a network of ours.

The name is looked up once, each address is checked, and the connection goes to that very address:
a name that answers something else a moment later changes nothing. TLS checks the name all the same.
A receiver is a stranger: everything has a bound in time and size, redirects are not followed, and
no text of it is kept.
"""

from __future__ import annotations

import asyncio
import io
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, parse_headers
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from handlers.adapters import tls
from handlers.domain.public_address import is_public
from handlers.domain.webhook import host_of
from handlers.domain.webhook_attempt import WebhookAnswer, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from urllib.parse import SplitResult

# The whole request, as the specification advises: 15 to 30 s.
REQUEST_S = 15.0
CONNECT_S = 5.0
# To end a connection politely, and to take the rest of an answer, which is not needed.
GOODBYE_S = 1.0
HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 64 * 1024
ADDRESSES_MAX = 4
# A look-up may hang longer than it is waited for, and has its thread so long.
RESOLVERS = 16

HEAD_END = b"\r\n\r\n"
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
INFORMATIONAL = 2  # a status of 1xx: another head follows

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Resolver(Protocol):
    """Returns the addresses of a name as text; raises OSError."""

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Look a name up, once."""


class _RefusedError(Exception):
    """Why no request was sent, or why its answer is none."""


class WebhookClient:
    """Sends requests, any number at once within one event loop."""

    def __init__(
        self,
        *,
        internal: bool,
        context: ssl.SSLContext | None = None,
        resolve: Resolver | None = None,
    ) -> None:
        """Take what is allowed: internal means plain HTTP, and addresses in networks of ours."""
        self._internal = internal
        self._context = context
        self._resolve = resolve or _addresses
        self._resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")

    def close(self) -> None:
        """End the threads that look names up; one that hangs ends by itself."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Send `body` and return what came of it, also where nothing did. Raise nothing for that.

        headers: names and values in printable ASCII.
        """
        try:
            async with asyncio.timeout(REQUEST_S):
                return await self._post(urlsplit(url), headers, body)
        except TimeoutError:
            return WebhookAnswer(None, f"no answer within {REQUEST_S:g} s")
        except _RefusedError as error:
            return WebhookAnswer(None, str(error))
        except ssl.SSLCertVerificationError as error:
            return WebhookAnswer(None, f"its certificate is refused: {error.verify_message}")
        except ssl.SSLError:
            return WebhookAnswer(None, "TLS failed")
        except (OSError, EOFError) as error:
            return WebhookAnswer(None, f"the connection failed: {type(error).__name__}")

    async def _post(
        self, url: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> WebhookAnswer:
        if url.scheme != "https" and not self._internal:
            message = "only https is allowed"
            raise _RefusedError(message)
        host, port = host_of(url)
        addresses = await self._checked_addresses(host, port)
        reader, writer = await self._connect(url, host, port, addresses)
        try:
            writer.write(_request(url, headers, body) + body)
            await writer.drain()
            return await _answer(reader)
        finally:
            await _end(writer)

    async def _checked_addresses(self, host: str, port: int) -> Sequence[str]:
        """Return where a name leads; refuse it if one of these is in a network of ours."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._resolvers, self._resolve, host, port)
        except OSError as error:
            message = "its name has no address"
            raise _RefusedError(message) from error
        addresses = list(dict.fromkeys(found))[:ADDRESSES_MAX]
        if not self._internal and not all(map(is_public, found)):
            message = "its address is not on the public internet"
            raise _RefusedError(message)
        return addresses

    async def _connect(
        self, url: SplitResult, host: str, port: int, addresses: Sequence[str]
    ) -> Connection:
        """Connect to the first address that takes the connection."""
        context = self._tls() if url.scheme == "https" else None
        failure: OSError = ConnectionError()
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(
                        address,
                        port,
                        limit=HEAD_BYTES_MAX,
                        ssl=context,
                        server_hostname=host if context else None,
                    )
            except ssl.SSLError:
                raise
            except OSError as error:  # TimeoutError is one
                failure = error
        raise failure

    def _tls(self) -> ssl.SSLContext:
        return self._context or tls.verifying("", "the system's certificates")


def _addresses(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _request(url: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {url.netloc}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _answer(reader: asyncio.StreamReader) -> WebhookAnswer:
    """Read the headers; of the body only what comes at once, and no more than so much."""
    try:
        head = await reader.readuntil(HEAD_END)
        while (found := STATUS_LINE.match(head)) and int(found[1]) // 100 < INFORMATIONAL:
            head = await reader.readuntil(HEAD_END)
        if not found:
            raise _RefusedError(NO_HTTP)
        fields = parse_headers(io.BytesIO(head[found.end() :]))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, HTTPException) as error:
        raise _RefusedError(NO_HTTP) from error
    try:
        async with asyncio.timeout(GOODBYE_S):
            await reader.read(BODY_BYTES_MAX)
    except (TimeoutError, OSError):
        return WebhookAnswer(int(found[1]), retry_after_s=retry_after_s(fields["retry-after"]))
    return WebhookAnswer(int(found[1]), retry_after_s=retry_after_s(fields["retry-after"]))


NO_HTTP = "its answer is no HTTP"


async def _end(writer: asyncio.StreamWriter) -> None:
    """End a connection, politely where the receiver does so as well."""
    writer.close()
    try:
        async with asyncio.timeout(GOODBYE_S):
            await writer.wait_closed()
    except (TimeoutError, OSError):  # the answer has been read, or there is none
        writer.transport.abort()
