"""Ports on the loopback interface."""

from __future__ import annotations

import fcntl
import os
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

# A process locks the byte of each port that it was given, until it ends: a server that a test has
# killed for a moment finds its port again, whatever other processes start meanwhile. Bytes of this
# very file, past its end: it exists for all processes, and nothing is left to clean up.
LOCKS, LOCKS_FROM = __file__, 1_000_000

_given: set[int] = set()
_lock = Lock()
_locks: list[int] = []  # the open file; closing it would end all locks


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
            for file in _locks:
                fcntl.lockf(file, fcntl.LOCK_UN)
        for _ in range(ATTEMPTS_MAX):
            port = PORT_FIRST + secrets.randbelow(PORT_COUNT)
            if port not in _given and is_free(port) and _reserve(port):
                _given.add(port)
                return port
    message = f"found no free port between {PORT_FIRST} and {PORT_FIRST + PORT_COUNT}"
    raise OSError(message)


def _reserve(port: int) -> bool:
    """Lock `port` for this process; return False if another process has it."""
    if not os.access(LOCKS, os.W_OK):
        return True  # an installation that is read only: there ports are only looked at
    if not _locks:
        _locks.append(os.open(LOCKS, os.O_RDWR))
    try:
        fcntl.lockf(_locks[0], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, LOCKS_FROM + port)
    except OSError:
        return False
    return True
