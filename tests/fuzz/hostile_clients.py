"""Clients that take what they can get of a server's connections, and give nothing back.

One thread has all connections of an attack. None of them ever reads.
"""

from __future__ import annotations

import itertools
import resource
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

# Hostile clients have addresses of their own: on Linux, all of 127.0.0.0/8 is this machine.
ADDRESS = "127.0.0.66"
TICK_S = 0.05
DRIP_S = 0.2
# Descriptors beside connections: servers, logs, honest clients.
OTHER_FILES_MAX = 512
OPENED_PER_TICK = 2000
# What fits into it is not the server's any more.
RECEIVE_BUFFER_BYTES = 4096
# The kernel searches for a free port for milliseconds where thousands are taken.
PORTS = itertools.cycle(range(10_000, 60_000))
ENDED = getattr(select, "POLLRDHUP", 0)  # macOS does not have it, nor these attacks
GONE = ENDED | select.POLLHUP | select.POLLERR


def affordable(connections: int) -> int:
    """Return so many connections, or as many as this process may open."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY:
        connections = min(connections, allowed - OTHER_FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (connections + OTHER_FILES_MAX, allowed))
    return connections


@dataclass(frozen=True)
class Attack:
    """What each of its connections sends."""

    name: str
    connections: int
    first: bytes = b""  # at once
    drip: bytes = b""  # again and again, every DRIP_S
    flood: bytes = b""  # again and again, as fast as the server takes it
    reopens: bool = False  # what the server closes is opened again


class _Client:
    """One hostile connection."""

    def __init__(self, attack: Attack, port: int) -> None:
        self.attack = attack
        # When it began to hold the connection without giving anything for it.
        self.idle_since = self._dripped_at = time.monotonic()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        _bind(self.socket)
        self.socket.setblocking(False)  # noqa: FBT003 - the standard library's
        self.socket.connect_ex(("127.0.0.1", port))
        self._left = attack.first

    def send(self) -> None:
        """Send what is due and what the server takes."""
        now = time.monotonic()
        if not self._left and now - self._dripped_at >= DRIP_S:
            self._left, self._dripped_at = self.attack.drip, now
        with suppress(BlockingIOError):
            while chunk := self._left or self.attack.flood:
                taken = self.socket.send(chunk)
                if self.attack.flood:
                    self.idle_since = now  # its next request or byte was taken
                self._left = chunk[taken:] if taken < len(chunk) else b""
                if not self.attack.flood and not self._left:
                    return


def _bind(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in PORTS:
        with suppress(OSError):  # in use
            client.bind((ADDRESS, port))
            return


class HostileClients:
    """The connections of one attack, on a thread, until the end of the block."""

    def __init__(self, attack: Attack, port: int) -> None:
        self._attack, self._port = attack, port
        self._clients: dict[int, _Client] = {}
        self._poll = select.poll()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._opened = 0
        self.given_back = 0  # closed by the server

    def idle_for(self, seconds: float) -> int:
        """Return how many connections have been open for nothing for at least that long."""
        before = time.monotonic() - seconds
        with self._lock:
            return sum(client.idle_since <= before for client in self._clients.values())

    @property
    def all_opened(self) -> bool:
        """Whether every connection was opened once."""
        return self._opened >= self._attack.connections

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        for client in self._clients.values():
            client.socket.close()

    def _run(self) -> None:
        while not self._done.wait(TICK_S):
            with self._lock:
                self._open()
                self._drop_closed()
                for descriptor in list(self._clients):
                    self._send(descriptor)

    def _open(self) -> None:
        attack = self._attack
        missing = attack.connections - (len(self._clients) if attack.reopens else self._opened)
        for _ in range(min(missing, OPENED_PER_TICK)):
            client = _Client(attack, self._port)
            self._clients[client.socket.fileno()] = client
            self._poll.register(client.socket, ENDED)
            self._opened += 1

    def _drop_closed(self) -> None:
        for descriptor, event in self._poll.poll(0):
            if event & GONE:
                self._drop(descriptor)

    def _send(self, descriptor: int) -> None:
        try:
            self._clients[descriptor].send()
        except OSError:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._clients.pop(descriptor).socket.close()
        self.given_back += 1
