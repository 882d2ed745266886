"""The sockets of this process as the kernel has them: Granian keeps its own out of Python's reach.

The calls of `libc` go through PyDLL, which keeps the GIL. Python's own socket module gives it away
and waits for it again, and under load thousands of such waits take seconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Descriptors that are looked at before other threads get their turn: about a millisecond.
SLICE = 512
ADDRESS_BYTES_MAX = 128  # struct sockaddr_storage
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: what is unsent is dropped when the socket is closed
OWN_DESCRIPTORS = Path("/proc/self/fd")
OWN_STATUS = Path("/proc/self/status")

_libc = ctypes.PyDLL(None)
_address = ctypes.create_string_buffer(ADDRESS_BYTES_MAX)
_size = ctypes.c_uint()


def listener(port: int) -> socket.socket | None:
    """Return a duplicate of the socket that listens on `port`, None where there is none yet."""
    for entry in OWN_DESCRIPTORS.iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            descriptor = os.dup(int(entry.name))
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found = socket.socket(fileno=descriptor)
                if _listens_on(found, port):
                    return found
                found.close()
            else:
                os.close(descriptor)
    return None


def close_connections(doomed: Collection[tuple[bytes, bytes]], port: int) -> int:
    """Shut down the connections to the local `port` whose peer's address and port are in `doomed`.

    Their owner then reads the end, or fails to write, and closes them. Returns their number.
    """
    closed = 0
    for start in range(0, _descriptors_max(), SLICE):
        closed += sum(
            _shut_down(descriptor, doomed, port)
            for descriptor in range(start, start + SLICE)
            if _peer(descriptor) in doomed
        )
        time.sleep(0)
    return closed


def _descriptors_max() -> int:
    """Return the length of the kernel's table of this process's descriptors."""
    lines = OWN_STATUS.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("FDSize:"))


def _shut_down(descriptor: int, doomed: Collection[tuple[bytes, bytes]], port: int) -> bool:
    # A duplicate cannot become another socket, which the descriptor may by now be.
    own = _libc.dup(descriptor)
    if own < 0:
        return False
    try:
        if _peer(own) not in doomed or _local_port(own) != port:
            return False
        _libc.setsockopt(own, socket.SOL_SOCKET, socket.SO_LINGER, ABORT, len(ABORT))
        return bool(_libc.shutdown(own, socket.SHUT_RDWR) == 0)
    finally:
        _libc.close(own)


def _peer(descriptor: int) -> tuple[bytes, bytes] | None:
    """Return address and port as `PeerConnection` has them, None for what has no peer."""
    if not _ask(_libc.getpeername, descriptor):
        return None
    raw = _address.raw
    family = int.from_bytes(raw[:2], sys.byteorder)
    return (raw[8:24] if family == socket.AF_INET6 else raw[4:8]), raw[2:4]


def _local_port(descriptor: int) -> int:
    return int.from_bytes(_address.raw[2:4]) if _ask(_libc.getsockname, descriptor) else 0


def _ask(call: ctypes._NamedFuncPointer, descriptor: int) -> bool:
    _size.value = ADDRESS_BYTES_MAX
    return bool(call(descriptor, _address, ctypes.byref(_size)) == 0)


def _listens_on(found: socket.socket, port: int) -> bool:
    return (
        found.family in (socket.AF_INET, socket.AF_INET6)
        and found.getsockname()[1] == port
        and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )
