"""Which IP addresses are on the public internet, so that no request goes into a network of ours.

Written out instead of `is_global`, whose answer depends on the version of Python.
"""

from __future__ import annotations

import ipaddress

# IANA's special-purpose registries: loopback, private, shared, link local (AWS's metadata are at
# 169.254.169.254), benchmarks, documentation, relays, multicast, reserved.
NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# Only this block is given to networks. Outside of it are loopback, link local, fd00::/8, multicast,
# and the addresses that have an IPv4 address in them (::ffff:0:0/96, 64:ff9b::/96).
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
# Of that block: protocols (Teredo), documentation, and 6to4, which has an IPv4 address in it.
NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(text: str) -> bool:
    """Return whether `text` is an address on the public internet; False where it is none at all."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)
