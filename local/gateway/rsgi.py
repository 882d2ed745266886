"""A request as the gateway gets it from its server: Granian's RSGI interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from local.gateway.client_address import client_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence


class Headers(Protocol):
    """The methods of a request's headers that the gateway uses."""

    def __contains__(self, key: str) -> bool:
        """Return whether there is a header of this name."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the first header of this name; `key` is in lower case."""

    def get_all(self, key: str) -> Sequence[str]:
        """Return all headers of this name."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return all headers, a repeated one more than once; names in lower case."""


class Scope(Protocol):
    """What RSGI passes of a request before its body."""

    http_version: str
    client: str
    server: str
    scheme: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers:
        """The headers."""


class RsgiProtocol(Protocol):
    """RSGI's `protocol`: reads the body and sends the response."""

    def __call__(self) -> Awaitable[bytes]:
        """Return the whole body, however long; raise ProtocolClosed where it ends early."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in chunks as they arrive, then an empty one.

        Where the body is malformed or ends early, an empty chunk comes before that one.
        """

    def client_disconnect(self) -> Awaitable[None]:
        """Return once the client has disconnected."""

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send the response."""


class HttpRequest(NamedTuple):
    """A whole request. `path` is decoded, `query` is not; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    client_address: str
    peer_address: str  # of the connection: the client's, or the nearest proxy's
    server_port: str
    scheme: str
    http_version: str
    body: bytes

    @classmethod
    def of(cls, scope: Scope, body: bytes, proxies: int = 0) -> HttpRequest:
        """Return the request of `scope`, with the `body` that came after it.

        proxies: the number of trusted ones that it came through.
        """
        peer = scope.client.rpartition(":")[0].strip("[]")
        forwarded_for = scope.headers.get_all("x-forwarded-for") if proxies else ()
        return cls(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            headers=list(scope.headers.items()),
            client_address=client_address(peer, forwarded_for, proxies),
            peer_address=peer,
            server_port=scope.server.rpartition(":")[2],
            scheme=scope.scheme,
            http_version=scope.http_version,
            body=body,
        )
