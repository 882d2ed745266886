"""Ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket
from threading import Lock

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections (Linux: from 32768,
# macOS: from 49152), so that nobody's connection takes the port between choosing and binding.
PORT_FIRST = 20_000
PORT_COUNT = 12_000
# An attempt hits a port that is given or busy with a probability of 25 % at most.
ATTEMPTS_MAX = 100
# The oldest of so many have been bound, or given up, long ago.
GIVEN_MAX = PORT_COUNT // 4

_given: set[int] = set()
_lock = Lock()


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: connections of a predecessor that still fade away are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on, another one at every call of this process.

    A server takes a moment to bind: until then the port looks free to whoever asks next.
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
