"""A small TCP proxy in front of each server, for network faults.

All traffic of the service goes through it, so that connections can be cut, delayed, refused, or
stay open without any byte passing, and the server does not notice.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from enum import Enum
from threading import Thread
from typing import TYPE_CHECKING, Any

from local.servers.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# Calls into the proxy's own thread return at once, unless the machine is very busy.
CALL_TIMEOUT_S = 30.0
DELAY_S = 0.15
READ_BYTES = 65_536
# Clients that the kernel queues; after a cut all clients of a cluster connect at once.
BACKLOG = 128


class LinkMode(Enum):
    """How a link treats bytes."""

    OPEN = "open"
    SLOW = "slow"  # all of them arrive, DELAY_S later
    DEAF = "deaf"  # requests pass, no response comes back
    SILENT = "silent"  # nothing passes in either direction


class _Connection:
    """One client's connection to the server: one task, which closes both sockets at its end."""

    def __init__(self, link: Link, client: socket.socket) -> None:
        self._link = link
        self._client = client
        self._loop = asyncio.get_running_loop()
        self.is_stranded = False
        # Whether bytes of it are missing, or its other end left without closing.
        self.is_torn = False
        self.task = self._loop.create_task(self._run())
        # Here, because a task that is cancelled before its first step never reaches a `finally`.
        self.task.add_done_callback(lambda _: client.close())

    async def _run(self) -> None:
        # A client that the server refuses is refused here as well.
        with suppress(OSError), _wire(socket.socket()) as server:
            await self._loop.sock_connect(server, (HOST, self._link.target))
            directions = [
                self._loop.create_task(self._forward(self._client, server, is_response=False)),
                self._loop.create_task(self._forward(server, self._client, is_response=True)),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(directions)

    async def _forward(
        self, source: socket.socket, sink: socket.socket, *, is_response: bool
    ) -> None:
        """Pass on all bytes; return when the source is closed or the sink takes no more."""
        is_over = False
        with suppress(OSError):
            while data := await self._loop.sock_recv(source, READ_BYTES):
                mode = self._link.mode
                lost = (
                    mode is LinkMode.SILENT
                    or (mode is LinkMode.DEAF and is_response)
                    or self.is_stranded
                )
                if is_over or lost:
                    is_over = self.is_torn = True  # a stream with missing bytes is over
                    continue
                if mode is LinkMode.SLOW:
                    await asyncio.sleep(DELAY_S)
                await self._loop.sock_sendall(sink, data)
        if self._link.mode is LinkMode.SILENT:  # the other end does not see this close, either
            self.is_torn = True
            await self._loop.create_future()


class Link:
    """The proxy of one server; any thread may call its methods."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, target: int) -> None:
        self._loop = loop
        self.port = port
        self.target = target
        self.mode = LinkMode.OPEN
        self.accepted = 0  # connections so far
        self._listener: socket.socket | None = None
        self._connections: set[_Connection] = set()

    def accept(self) -> None:
        """Accept connections; harmless when it already does."""
        self._call(self._accept())

    def refuse(self) -> None:
        """End all connections and refuse new ones."""
        self._call(self._refuse())

    def cut(self) -> None:
        """End all connections; accept new ones."""
        self._call(self._cut(lambda _: True))

    def strand(self) -> None:
        """Leave the current connections open for good, without passing any byte."""
        self._call(self._strand())

    def set(self, mode: LinkMode) -> None:
        """Change the mode; a connection that has lost bytes by then is closed."""
        self._call(self._set(mode))

    def retarget(self, target: int) -> None:
        """Connect to another server from now on; end the connections to the old one."""
        self.target = target
        self.cut()

    def heal(self) -> None:
        """Pass all bytes again."""
        self._call(self._heal())

    async def _accept(self) -> None:
        if self._listener is None:
            listener = _wire(socket.socket())
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((HOST, self.port))
                listener.listen(BACKLOG)
            except OSError:
                listener.close()
                raise
            self._listener = listener
            self._loop.add_reader(listener, self._accept_one, listener)

    def _accept_one(self, listener: socket.socket) -> None:
        """Accept a client. asyncio's own server loses clients that connect while it closes."""
        with suppress(BlockingIOError, ConnectionAbortedError):  # the client has left already
            client, _ = listener.accept()
            self.accepted += 1
            connection = _Connection(self, _wire(client))
            self._connections.add(connection)
            connection.task.add_done_callback(lambda _: self._connections.discard(connection))

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()  # the kernel resets clients not yet accepted
            self._listener = None
        await self._cut(lambda _: True)

    async def _cut(self, chosen: Callable[[_Connection], bool]) -> None:
        await _end([each.task for each in self._connections if chosen(each)])

    async def _strand(self) -> None:
        for connection in self._connections:
            connection.is_stranded = connection.is_torn = True

    async def _set(self, mode: LinkMode) -> None:
        self.mode = mode
        await self._cut(lambda connection: connection.is_torn)

    async def _heal(self) -> None:
        await self._set(LinkMode.OPEN)
        await self._accept()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)


class Links:
    """The proxies of one cluster, in a thread of their own."""

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
        """Close all proxies."""
        try:
            for link in self._links:
                link.refuse()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CALL_TIMEOUT_S)
            self._loop.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks; return once all their sockets are closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _wire(plain: socket.socket) -> socket.socket:
    """Make a socket non-blocking, and let it send without delay."""
    plain.settimeout(0)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain
