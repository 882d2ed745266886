"""Granian's side of the gateway, without a socket: requests go in, responses come out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from local.gateway.app import make_application

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from local.gateway.routing import BatchHandler


@dataclass(frozen=True)
class Route:
    """A route of a test."""

    method: str
    path: str
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    fast_path: Callable[[str, str, str], dict[str, Any] | None] | None = None
    batch_handler: BatchHandler | None = None
    takes_body: bool = True


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

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

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


class RsgiProtocol:
    """A client that sends `chunks` and stores the response."""

    def __init__(self, chunks: Iterable[bytes] = ()) -> None:
        self._chunks = iter(chunks)
        self.response: tuple[int, Sequence[tuple[str, str]], bytes] | None = None

    async def __call__(self) -> bytes:
        return b"".join(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        yield b""

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        assert self.response is None
        self.response = status, headers, body


class Silent(RsgiProtocol):
    """A client that announces a body and sends none."""

    async def __call__(self) -> bytes:
        await asyncio.Event().wait()
        return b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""


class CutOff(RsgiProtocol):
    """A client that ends its connection, or breaks HTTP's rules, after `chunks`."""

    async def __call__(self) -> bytes:
        raise ProtocolClosed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        yield b""  # in place of the error
        yield b""


class Unread(RsgiProtocol):
    """A client whose body must not be read."""

    async def __call__(self) -> bytes:
        pytest.fail("read")

    def __aiter__(self) -> AsyncIterator[bytes]:
        pytest.fail("read")


def ask(
    scope: Scope,
    *routes: Route,
    chunks: Iterable[bytes] = (),
    exchange: RsgiProtocol | None = None,
) -> Reply:
    [reply] = ask_at_once([(scope, exchange or RsgiProtocol(chunks))], *routes)
    return reply


def ask_at_once(requests: Sequence[tuple[Scope, RsgiProtocol]], *routes: Route) -> list[Reply]:
    """Send requests that all arrive before the first response."""

    async def served() -> None:
        loop = asyncio.get_running_loop()
        gateway = make_application(routes)
        gateway.__rsgi_init__(loop)
        await asyncio.gather(*(gateway.__rsgi__(scope, client) for scope, client in requests))
        gateway.__rsgi_del__(loop)

    asyncio.run(served())
    return [_reply(client) for _, client in requests]


def _reply(client: RsgiProtocol) -> Reply:
    assert client.response
    status, headers, body = client.response
    return Reply(status, {name.lower(): value for name, value in headers}, list(headers), body)


def answering(response: Any) -> Route:
    return Route("GET", "/", lambda _event, _context: response)
