"""A TCP forwarder that can be cut, as a server or a firewall cuts idle connections."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

CHUNK_BYTES = 65_536
CONNECT_TIMEOUT_S = 10.0


class Forwarder:
    """Forwards connections of a port of its own to `target`; runs inside the block."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.target: tuple[str, int] | None = None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        for one in self._sockets:
            one.close()

    def cut(self) -> int:
        """Close every open connection, on both ends; return how many."""
        with self._lock:
            cut = 0
            for one in self._sockets:
                with suppress(OSError):  # the other end has closed it
                    one.shutdown(socket.SHUT_RDWR)
                    cut += 1
        return cut // 2

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                assert self.target
                server = socket.create_connection(self.target, CONNECT_TIMEOUT_S)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets += [client, server]
            for ends in ((client, server), (server, client)):
                self._threads.append(threading.Thread(target=_copy, args=ends))
                self._threads[-1].start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
