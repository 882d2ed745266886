"""Bounds what clients can hold of the gateway's connections. Linux only.

Granian ends idle connections and slow headers, and accepts up to its limit whatever comes. Two
things it leaves open. A client that does not read what it asked for holds its connection without
end; the kernel itself closes it if the listener says after what time. And one address may take
every connection; only a look at all of them shows that.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from local.gateway.connection_table import (
    NoConnectionTableError,
    PeerConnection,
    connections,
    socket_count,
)
from local.gateway.own_sockets import close_connections, listener
from local.json_log import log_event

if TYPE_CHECKING:
    from collections.abc import Iterable

# Thousands of a mobile carrier's customers share one address. This many may be connected at once,
# and one address takes an eighth of a process's connections, a sixteenth of two processes'.
CONNECTIONS_PER_ADDRESS = 1024
# No byte of a response was taken for so long: the client does not read, or is gone.
STALLED_TIMEOUT_S = 20
# The kernel's memory for a response on its way; without it, up to 4 MB for one that does not read.
SEND_BUFFER_BYTES = 128 * 1024
# How long one address can hold more than its share.
INTERVAL_S = 0.5
# With many connections a look takes longer: at most a fiftieth of one core. Where connections were
# closed, the next ones may be there already: a fifth.
PAUSE_PER_CPU_S = 50
PAUSE_PER_CPU_CROWDED_S = 5
START_POLL_S = 0.01
# ::ffff:0:0/96 is IPv4 on a socket that takes both.
IPV4_MAPPED = bytes(10) + b"\xff\xff"
# A customer of IPv6 has at least a /64, as in handlers/edge/http/client_ip.py.
NETWORK_BYTES = 8


class ConnectionGuard:
    """A thread of one worker; it looks at the connections of all workers, and closes its own."""

    def __init__(self, port: int, per_address: int) -> None:
        """per_address: how many connections one address may have; 0: any number."""
        self._port = port
        self._per_address = per_address
        self._pause = threading.Event()

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        threading.Thread(target=self._run, name="connection-guard", daemon=True).start()

    def _run(self) -> None:
        try:
            while (found := listener(self._port)) is None:
                self._pause.wait(START_POLL_S)
            with found:
                limit_responses(found)
                family = found.family
            while self._per_address:
                began = time.thread_time()
                closed = self.look(family)
                used = time.thread_time() - began
                pause = used * (PAUSE_PER_CPU_CROWDED_S if closed else PAUSE_PER_CPU_S)
                self._pause.wait(max(INTERVAL_S, pause))
        except (NoConnectionTableError, OSError) as error:
            message = "connections are not bounded: this system does not show them"
            log_event("WARNING", message, error=str(error))

    def look(self, family: socket.AddressFamily) -> int:
        """Close this process's connections of addresses that have too many; return how many."""
        if socket_count(family) <= self._per_address:
            return 0
        found = excess(connections(family, self._port), self._per_address)
        if not found:
            return 0
        closed = close_connections(found, self._port)
        if closed:
            addresses = len({network(address) for address, _ in found})
            message = "too many connections of one address: closed the latest"
            log_event("WARNING", message, count=closed, addresses=addresses)
        return closed


def limit_responses(listening: socket.socket) -> None:
    """Bound in time and memory what is sent; connections inherit it from their listener."""
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_TIMEOUT_S * 1000)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def excess(found: Iterable[PeerConnection], per_address: int) -> set[tuple[bytes, bytes]]:
    """Return address and port of the latest connections of each address that has too many."""
    found = list(found)
    counts = Counter(network(connection.address) for connection in found)
    groups: defaultdict[bytes, list[PeerConnection]] = defaultdict(list)
    crowded = {address for address, count in counts.items() if count > per_address}
    if crowded:
        for connection in found:
            if (address := network(connection.address)) in crowded:
                groups[address].append(connection)
    return {
        (connection.address, connection.port)
        for group in groups.values()
        # All workers must agree on the order. A connection that is not accepted yet comes last.
        for connection in sorted(group, key=lambda one: (not one.inode, one.inode))[per_address:]
    }


def network(address: bytes) -> bytes:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one."""
    if len(address) <= NETWORK_BYTES:
        return address
    if address.startswith(IPV4_MAPPED):
        return address[len(IPV4_MAPPED) :]
    return address[:NETWORK_BYTES]
