"""Ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket

HOST = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections (Linux: from 32768,
# macOS: from 49152), so that nobody's connection takes the port between choosing and binding.
PORT_FIRST = 20_000
PORT_COUNT = 12_000
# Each attempt hits a busy port with a probability of far below 1 %.
ATTEMPTS_MAX = 100


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
    """Return a port that nobody listens on."""
    for _ in range(ATTEMPTS_MAX):
        port = PORT_FIRST + secrets.randbelow(PORT_COUNT)
        if is_free(port):
            return port
    message = f"found no free port between {PORT_FIRST} and {PORT_FIRST + PORT_COUNT}"
    raise OSError(message)
