"""A small TCP proxy in front of each server, for what a network does to connections.

Everything of the service goes through it, so that connections can be cut, delayed, refused, or
stay open while nothing comes through any more, without the server's knowing.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from enum import Enum
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from local.servers.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# Calls into the proxy's own thread answer at once, unless the machine is very busy.
ANSWER_S = 10.0
DELAY_S = 0.15
# What the loop has begun with a connection, it has done by then.
SETTLE_S = 0.01


class Way(Enum):
    """What becomes of the bytes of a link."""

    OPEN = "open"
    SLOW = "slow"  # all of them come, DELAY_S later
    DEAF = "deaf"  # requests go through, and no answer comes back
    SILENT = "silent"  # nothing goes through in either direction


class _End(asyncio.Protocol):
    """One end of a connection; hands what it reads to the other end."""

    def __init__(self, link: Link, *, is_client: bool) -> None:
        self._link = link
        self._is_client = is_client
        self._waiting: list[bytes] = []
        self._late: deque[bytes] = deque()
        self.has_lost = False
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.joined(self, is_client=self._is_client)

    def data_received(self, data: bytes) -> None:
        way = self._link.way
        if self.has_lost or way is Way.SILENT or (way is Way.DEAF and not self._is_client):
            self.has_lost = True  # a stream with a hole in it is over, see `Link.set`
        elif self._link.delay_s or self._late:  # what comes behind something late is late, too
            self._late.append(data)
            asyncio.get_running_loop().call_later(self._link.delay_s, self._pass_late)
        else:
            self._pass(data)

    def _pass_late(self) -> None:
        self._pass(self._late.popleft())

    def _pass(self, data: bytes) -> None:
        other = self.other.transport if self.other else None
        if other is None:
            self._waiting.append(data)  # the server has not yet taken the connection
        elif not other.is_closing():
            other.write(data)

    def meet(self, other: _End) -> None:
        """Join with the other end."""
        self.other, other.other = other, self
        for data in self._waiting:
            self._pass(data)
        self._waiting.clear()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._link.left(self)
        # An end that is silent does not hear of the other one's going, either.
        if self.other and self.other.transport and self._link.way is not Way.SILENT:
            self.other.transport.close()

    def abort(self) -> None:
        """End this connection at once, as a reset does."""
        if self.transport:
            self.transport.abort()

    @property
    def is_torn(self) -> bool:
        """Whether bytes of it are missing, or its other end is gone."""
        other = self.other
        if other is None or other.transport is None:
            return self.has_lost
        return self.has_lost or other.has_lost or other.transport.is_closing()


class Link:
    """The proxy of one server; its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, target: int) -> None:
        self._loop = loop
        self.port = port
        self.target = target
        self.way = Way.OPEN
        self.delay_s = 0.0
        self._ends: set[_End] = set()
        self._server: asyncio.Server | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    def accept(self) -> None:
        """Take connections; harmless when it does already."""
        self._call(self._accept())

    def refuse(self) -> None:
        """End all connections and take no new ones."""
        self._call(self._refuse())

    def cut(self) -> None:
        """End all connections; new ones are welcome."""
        self._call(self._cut(lambda _: True))

    def strand(self) -> None:
        """Leave the connections of this moment open for good, with nothing coming through."""
        self._call(self._strand())

    def set(self, way: Way) -> None:
        """Let bytes go this way from now on; who has lost some by then, loses its connection."""
        self._call(self._set(way))

    def lead_to(self, target: int) -> None:
        """Lead to another server from now on; nothing stays connected to the old one."""
        self.target = target
        self.cut()

    def heal(self) -> None:
        """Be a plain wire again."""
        self.set(Way.OPEN)
        self.accept()

    def joined(self, end: _End, *, is_client: bool) -> None:
        """Note an end; connect a new client through to the server (the proxy's own thread)."""
        self._ends.add(end)
        if is_client:
            task = self._loop.create_task(self._connect(end))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def left(self, end: _End) -> None:
        """Forget an end (the proxy's own thread)."""
        self._ends.discard(end)

    async def _connect(self, client: _End) -> None:
        try:
            _, server = await self._loop.create_connection(
                lambda: _End(self, is_client=False), HOST, self.target
            )
        except OSError:
            client.abort()
            return
        client.meet(server)
        if client not in self._ends:
            server.abort()  # the client has gone meanwhile

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await self._loop.create_server(
                lambda: _End(self, is_client=True), HOST, self.port
            )

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        # Who is just coming in is let in first: nothing of this link is left afterwards.
        await asyncio.sleep(SETTLE_S)
        await asyncio.gather(*self._connecting, return_exceptions=True)
        await self._cut(lambda _: True)
        await asyncio.sleep(SETTLE_S)

    async def _cut(self, chosen: Callable[[_End], bool]) -> None:
        for end in list(self._ends):
            if chosen(end):
                end.abort()

    async def _strand(self) -> None:
        for end in self._ends:
            end.has_lost = True

    async def _set(self, way: Way) -> None:
        self.way = way
        self.delay_s = DELAY_S if way is Way.SLOW else 0.0
        await self._cut(lambda end: end.is_torn)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)


class Links:
    """The proxies of one world, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def add(self, port: int, target: int) -> Link:
        """Return a proxy that takes connections on `port` for the server on `target`."""
        link = Link(self._loop, port, target)
        self._links.append(link)
        link.accept()
        return link

    def close(self) -> None:
        """End everything."""
        for link in self._links:
            link.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        self._loop.close()
