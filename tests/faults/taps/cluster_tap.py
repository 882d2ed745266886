"""A tap on the nodes of a Redis cluster, which decide among themselves who has a campaign."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.faults.acceptor.events import Emptied, RedisOrder
from tests.faults.taps.monitor import ScriptNames
from tests.faults.taps.node_tap import NodeTap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from local.servers import Valkey
    from tests.faults.acceptor.events import RedisEvent

# A node that gets a campaign serves it from then on: what it does before it is asked is judged
# without its state. A rebuild takes longer.
POLL_INTERVAL_S = 0.02


class ClusterTap:
    """All journals of a cluster's nodes; each node is asked all the time what it has."""

    def __init__(self, nodes: Iterable[Valkey]) -> None:
        """`nodes` may be started later, and again."""
        self._names = ScriptNames()
        self._nodes = [NodeTap(node) for node in nodes]
        self._campaign_ids: Sequence[str] = ()
        self._is_over = Event()
        self._threads = [
            Thread(target=self._follow, args=(node,), daemon=True, name="node-tap")
            for node in self._nodes
        ]
        for thread in self._threads:
            thread.start()

    @property
    def gaps(self) -> list[str]:
        """What of the history could not be seen."""
        return [gap for node in self._nodes for gap in node.gaps]

    def watch(self, campaign_ids: Sequence[str]) -> None:
        """Begin a history; what happened before is of no account."""
        for node in self._nodes:
            node.watch(campaign_ids, self._names)
        self._campaign_ids = campaign_ids

    def cut(self) -> list[list[RedisOrder]]:
        """Return by campaign what each process has done since, up to a last snapshot."""
        found = [order for node in self._nodes for order in node.cut(self._names)]
        return [
            [orders[n] for orders in found if _is_of_it(orders[n].events)]
            for n in range(len(self._campaign_ids))
        ]

    def close(self) -> None:
        """End all connections."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        for node in self._nodes:
            node.close()

    def _follow(self, node: NodeTap) -> None:
        while not self._is_over.wait(POLL_INTERVAL_S):
            node.poll()


def _is_of_it(events: Sequence[RedisEvent]) -> bool:
    """Return whether a process had the campaign; each one may be emptied."""
    return any(not isinstance(event, Emptied) for event in events)
