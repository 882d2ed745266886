"""Redis with a replica: it lags, is promoted without the last writes, and gives the place back."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from local.servers.ports import HOST, free_port
from local.servers.valkey_group import ask, is_synchronized
from tests.faults.engine.links import Link, LinkMode, Links
from tests.faults.engine.scenario import CUT, SILENT, SPLIT
from tests.faults.taps.redis_tap import TappedValkey

if TYPE_CHECKING:
    from local.servers import Server
    from tests.faults.taps.redis_tap import RedisTap

SYNCED_S = 10.0
POLL_INTERVAL_S = 0.02
# How long a primary takes a replica for one that is only slow. Where it does not notice that it was
# replaced, it decides for longer than a rebuild of the other one takes.
LAG_S, LAG_UNAWARE_S = 1, 5
OPTIONS = {
    "repl-diskless-sync-delay": "0",
    # A primary that is cut off refuses to decide; nothing else can see that it is.
    "min-replicas-to-write": "1",
    "min-replicas-max-lag": str(LAG_S),
    "repl-ping-replica-period": "1",
}


class Replication:
    """One primary and one replica, which follows it through a link of its own.

    A promoted replica keeps the data of the primary up to the moment at which the link fell silent.
    """

    def __init__(self, links: Links, primary: Server, address: Link, tap: RedisTap) -> None:
        """`address` leads to the primary, as a name in DNS does; `tap` follows both."""
        self.primary = primary
        self.replica: Server = TappedValkey(tap, OPTIONS)
        self._tap = tap
        self._address = address
        self._link = links.add(free_port(), primary.port)
        self._is_alone = False  # the primary, with an old one that does not follow it

    def start(self) -> None:
        """Start the replica, and return when it has caught up."""
        self.replica.start()
        self.heal()

    def remove(self) -> None:
        """End the replica and remove its data."""
        self.replica.remove()

    def heal(self) -> None:
        """Let the replica follow the primary; return when it has caught up, or after SYNCED_S."""
        self._link.heal()
        self._is_alone = False
        self.revive()
        self._follow()
        ask(self.primary, "CONFIG", "SET", "min-replicas-to-write", 1)
        for server in (self.primary, self.replica):
            ask(server, "CONFIG", "SET", "min-replicas-max-lag", LAG_S)
        deadline = time.monotonic() + SYNCED_S
        while not self.is_synchronized() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL_S)

    def revive(self) -> None:
        """Let the replica run again: it may have been killed or frozen while it was the primary.

        A primary that is alone and was started again would refuse to decide.
        """
        if self._is_alone:
            ask(self.primary, "CONFIG", "SET", "min-replicas-to-write", 0)
        if self.replica.running:
            self.replica.resume()
            return
        self.replica.start()
        self._follow()

    def is_synchronized(self) -> bool:
        """Return whether the replica has the primary's data."""
        with suppress(RedisError, OSError):
            return is_synchronized(self.replica)
        return False

    def lag(self) -> None:
        """From now on the replica gets nothing, and no end of the connection notices."""
        self._link.set(LinkMode.SILENT)

    def promote(self, move: str) -> Server:
        """Make the replica the primary; return it. The old one keeps running as its replica.

        move: CUT: the clients' connections end. STAY: they lead to the old primary, which is a
        replica by then. SPLIT: they do, and it takes itself for a primary without a replica.
        SILENT: they do, and it takes itself for a primary with one, which is only slow to respond.
        """
        if self._is_alone:
            self.heal()  # as it is now, the former primary would go on in its own history
        ask(self.replica, "REPLICAOF", "NO", "ONE")
        self.primary, self.replica = self.replica, self.primary
        self._tap.promoted(self.primary)
        self._address.target = self.primary.port
        if move == SILENT:
            self._link.target = self.primary.port  # from heal() on
            with suppress(RedisError, OSError):  # it may be down or frozen
                ask(self.replica, "CONFIG", "SET", "min-replicas-max-lag", LAG_UNAWARE_S)
        else:
            self._link.retarget(self.primary.port)
        if move in {SPLIT, SILENT}:
            # As if it had another replica.
            self._is_alone = True
            ask(self.primary, "CONFIG", "SET", "min-replicas-to-write", 0)
            return self.primary
        self._link.heal()
        with suppress(RedisError, OSError):  # it may be down or frozen
            self._follow()
        if move == CUT:
            self._address.cut()
        return self.primary

    def _follow(self) -> None:
        ask(self.replica, "REPLICAOF", HOST, self._link.port)
