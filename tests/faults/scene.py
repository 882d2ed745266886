"""The setup for tests of the proxy: a server, its link, clients, and a view of open connections."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from local.servers.ports import HOST, free_port
from tests.faults.engine.links import Link, Links

if TYPE_CHECKING:
    from collections.abc import Callable

# For a busy machine; no test waits this long without failing.
TIMEOUT_S = 20.0
POLL_INTERVAL_S = 0.002


class Scene:
    """A server, the link to it, and their clients; owns all sockets of the test."""

    def __init__(self, cleanup: ExitStack) -> None:
        self._cleanup = cleanup
        self.server = self.own(socket.create_server((HOST, 0)))
        self.server.settimeout(TIMEOUT_S)
        self.target: int = self.server.getsockname()[1]
        self.links = Links()
        self._is_open = True
        cleanup.callback(self.close)
        self.link: Link = self.links.add(free_port(), self.target)

    def own(self, plain: socket.socket) -> socket.socket:
        return self._cleanup.enter_context(plain)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self.links.close()

    def client(self) -> socket.socket:
        return self.own(socket.create_connection((HOST, self.link.port), TIMEOUT_S))

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Return both ends of an established connection."""
        client = self.client()
        end = self.own(self.server.accept()[0])
        end.settimeout(TIMEOUT_S)
        return client, end

    def open_connections(self) -> list[tuple[int, int]]:
        """Return (own port, other's port) of every connection that the proxy has open."""
        pairs = [_ports(int(fd.name)) for fd in Path("/dev/fd").iterdir()]
        return [p for p in pairs if p and (p[0] == self.link.port or p[1] == self.target)]


def _ports(fd: int) -> tuple[int, int] | None:
    """Return the ports of a connection of this process; None for any other open file."""
    with suppress(OSError):
        same = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=fd)
        try:
            own, other = same.getsockname(), same.getpeername()
        finally:
            same.detach()
        if isinstance(own, tuple):  # for a Unix socket it is a path
            return own[1], other[1]
    return None


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(POLL_INTERVAL_S)


def is_ended(client: socket.socket) -> bool:
    """Tell whether the other end has closed."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
