"""Where a request came from, so far as it can be told one customer from the next."""

from __future__ import annotations

import socket
from functools import lru_cache

# Addresses that one process remembers: many of them mean a crowd, few a machine.
ADDRESSES_CACHED = 4096
# ::ffff:0:0/96 is IPv4 as a socket for both shows it (RFC 4291, section 2.5.5.2): by its /64 all
# of IPv4 would be one.
IPV4_MAPPED = bytes(10) + b"\xff\xff"
# A customer of IPv6 has at least a whole /64, hence 2^64 addresses to come from.
NETWORK_BYTES = 8
HOST = bytes(8)


@lru_cache(maxsize=ADDRESSES_CACHED)
def rate_limit_key(address: str) -> str:
    """Return an IPv4 address as it is, the /64 of an IPv6 one, and "" for what is neither."""
    try:
        if ":" not in address:
            socket.inet_pton(socket.AF_INET, address)
            return address
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):  # no address; a NUL or no ASCII in it
        return ""
    if packed.startswith(IPV4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(IPV4_MAPPED) :])
    return socket.inet_ntop(socket.AF_INET6, packed[:NETWORK_BYTES] + HOST) + "/64"
