"""The key of a client's address for the rate limit: one key per customer, as far as possible."""

from __future__ import annotations

import socket
from functools import lru_cache

# Addresses that one process caches.
ADDRESSES_CACHED = 4096
# ::ffff:0:0/96 is IPv4 as a dual-stack socket shows it (RFC 4291, section 2.5.5.2): its /64 would
# put all of IPv4 under one key.
IPV4_MAPPED = bytes(10) + b"\xff\xff"
# An IPv6 customer has at least a whole /64, that is 2^64 addresses.
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
    except (OSError, ValueError):  # not an address; contains a NUL or is not ASCII
        return ""
    if packed.startswith(IPV4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(IPV4_MAPPED) :])
    return socket.inet_ntop(socket.AF_INET6, packed[:NETWORK_BYTES] + HOST) + "/64"
