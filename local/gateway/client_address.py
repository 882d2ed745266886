"""The address of a client that came through proxies.

Each proxy appends the address from which it got the request to X-Forwarded-For. A client may send
that header, too, so only the entries of the trusted proxies count, from the right. `Forwarded`
(RFC 7239) is not read: where two headers say the same thing, a client can write the one that the
proxy leaves alone.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# More than any chain of proxies has; a larger number is a mistake in the settings.
PROXIES_MAX = 16


def client_address(peer: str, forwarded_for: Sequence[str], proxies: int) -> str:
    """Return the client's address where the last `proxies` hops are trusted, `peer` among them.

    peer: the address of the connection. forwarded_for: the X-Forwarded-For headers in their order.
    Returns `peer` where there is no trusted proxy, or the entry is missing or not an address.
    """
    if not proxies:
        return peer
    entries = ",".join(forwarded_for).rsplit(",", proxies)[-proxies:]
    return _address(entries[0].strip()) or peer if len(entries) == proxies else peer


def _address(entry: str) -> str:
    """Return the address of one entry, without a port; "" where it is none."""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, entry)
        except (OSError, ValueError):  # not an address; contains a NUL or is not ASCII
            continue
        return entry
    return ""
