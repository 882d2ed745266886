"""Ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket
from threading import Lock

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections (Linux: from 32768,
# macOS: from 49152), so that no other connection takes the port between choosing and binding.
PORT_FIRST = 20_000
PORT_COUNT = 12_000
# One attempt picks a port that is given or busy with a probability of 25 % at most.
ATTEMPTS_MAX = 100
# When so many are given, the oldest were bound or released long ago.
GIVEN_MAX = PORT_COUNT // 4

_given: set[int] = set()
_lock = Lock()


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: ignore closing connections of an earlier server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that no process listens on; each call in this process returns another one.

    A server takes a moment to bind: until then the port looks free to the next caller.
    """
    with _lock:
        if len(_given) >= GIVEN_MAX:
            _given.clear()
        for _ in range(ATTEMPTS_MAX):
            port = PORT_FIRST + secrets.randbelow(PORT_COUNT)
            if port not in _given and is_free(port):
                _given.add(port)
                return port
    message = f"found no free port between {PORT_FIRST} and {PORT_FIRST + PORT_COUNT}"
    raise OSError(message)
