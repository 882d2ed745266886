"""A small TCP proxy in front of each server, for what a network does to connections.

Everything of the service goes through it, so that connections can be cut, delayed, refused, or
stay open while nothing comes through any more, without the server's knowing.
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

# Calls into the proxy's own thread answer at once, unless the machine is very busy.
ANSWER_S = 30.0
DELAY_S = 0.15
READ_BYTES = 65_536
# Clients that the kernel lets wait; all of a world's come at once after a cut.
BACKLOG = 128


class Way(Enum):
    """What becomes of the bytes of a link."""

    OPEN = "open"
    SLOW = "slow"  # all of them come, DELAY_S later
    DEAF = "deaf"  # requests go through, and no answer comes back
    SILENT = "silent"  # nothing goes through in either direction


class _Connection:
    """One client's way through to the server: one task, which closes both sockets at its end."""

    def __init__(self, link: Link, client: socket.socket) -> None:
        self._link = link
        self._client = client
        self._loop = asyncio.get_running_loop()
        self.is_stranded = False
        # Whether bytes of it are missing, or its other end is gone without a word.
        self.is_torn = False
        self.task = self._loop.create_task(self._run())
        # Here, as a task that is cancelled before its first step never comes to a `finally`.
        self.task.add_done_callback(lambda _: client.close())

    async def _run(self) -> None:
        # Whom the server refuses is sent away here as well.
        with suppress(OSError), _wire(socket.socket()) as server:
            await self._loop.sock_connect(server, (HOST, self._link.target))
            directions = [
                self._loop.create_task(self._hand_on(self._client, server, is_answer=False)),
                self._loop.create_task(self._hand_on(server, self._client, is_answer=True)),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(directions)

    async def _hand_on(
        self, source: socket.socket, sink: socket.socket, *, is_answer: bool
    ) -> None:
        """Hand on what is read; return when the source is closed, or the sink takes no more."""
        is_over = False
        with suppress(OSError):
            while data := await self._loop.sock_recv(source, READ_BYTES):
                way = self._link.way
                lost = way is Way.SILENT or (way is Way.DEAF and is_answer) or self.is_stranded
                if is_over or lost:
                    is_over = self.is_torn = True  # a stream with a hole in it is over
                    continue
                if way is Way.SLOW:
                    await asyncio.sleep(DELAY_S)
                await self._loop.sock_sendall(sink, data)
        if self._link.way is Way.SILENT:  # the other end does not hear of this one's going, either
            self.is_torn = True
            await self._loop.create_future()


class Link:
    """The proxy of one server; its methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, target: int) -> None:
        self._loop = loop
        self.port = port
        self.target = target
        self.way = Way.OPEN
        self._listener: socket.socket | None = None
        self._connections: set[_Connection] = set()

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
            self._loop.add_reader(listener, self._welcome, listener)

    def _welcome(self, listener: socket.socket) -> None:
        """Take who comes in. asyncio's own server loses who comes in while it is being closed."""
        with suppress(BlockingIOError, ConnectionAbortedError):  # who has gone again already
            client, _ = listener.accept()
            connection = _Connection(self, _wire(client))
            self._connections.add(connection)
            connection.task.add_done_callback(lambda _: self._connections.discard(connection))

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()  # the kernel resets who has not yet been taken
            self._listener = None
        await self._cut(lambda _: True)

    async def _cut(self, chosen: Callable[[_Connection], bool]) -> None:
        await _end([each.task for each in self._connections if chosen(each)])

    async def _strand(self) -> None:
        for connection in self._connections:
            connection.is_stranded = connection.is_torn = True

    async def _set(self, way: Way) -> None:
        self.way = way
        await self._cut(lambda connection: connection.is_torn)

    async def _heal(self) -> None:
        await self._set(Way.OPEN)
        await self._accept()

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
        try:
            for link in self._links:
                link.refuse()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(ANSWER_S)
            self._loop.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks; return when all that they held is closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _wire(plain: socket.socket) -> socket.socket:
    """Let a socket neither block the loop nor hold bytes back."""
    plain.settimeout(0)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain
