"""A primary with a replica behind a link that can fall silent, and an address that can move."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from local.servers import ValkeyGroup
from local.servers.ports import HOST, free_port
from local.servers.valkey_group import ask, is_synchronized
from tests.faults.engine.links import LinkMode, Links
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers import Valkey


class SilentPair:
    """first: the primary at the start. second: its replica, which follows it through a link."""

    def __init__(self, group: ValkeyGroup, links: Links) -> None:
        self.first: Valkey = group.primary
        [self.second] = group.replicas
        self._replication = links.add(free_port(), self.first.port)
        self._address = links.add(free_port(), self.first.port)
        ask(self.second, "REPLICAOF", HOST, self._replication.port)
        eventually(lambda: is_synchronized(self.second), "a replica that follows")

    @property
    def url(self) -> str:
        """`REDIS_URL`: leads to the primary, as a name in DNS does."""
        return f"redis://{HOST}:{self._address.port}/0"

    def cut(self) -> None:
        """Let no byte pass between the two any more; no connection is closed."""
        self._replication.set(LinkMode.SILENT)

    def promote(self) -> None:
        """Make the second a primary; only who connects from now on reaches it."""
        ask(self.second, "REPLICAOF", "NO", "ONE")
        self._address.target = self.second.port

    @property
    def first_sees_a_replica(self) -> bool:
        """Whether the first server still counts the second as its replica."""
        return b"connected_slaves:1" in ask(self.first, "INFO", "replication")

    @property
    def waits(self) -> int:
        """How many WAIT the first server has had."""
        stats = ask(self.first, "INFO", "commandstats").decode()
        lines = [line for line in stats.splitlines() if line.startswith("cmdstat_wait:")]
        return int(lines[0].partition("calls=")[2].partition(",")[0]) if lines else 0


@contextmanager
def silent_pair() -> Iterator[SilentPair]:
    with ValkeyGroup() as group, closing(Links()) as links:
        yield SilentPair(group, links)
