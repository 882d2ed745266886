"""A Valkey cluster: primaries that share the slots, each with replicas that may take over."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from local.servers.ports import HOST, free_port
from local.servers.process import ServerError
from local.servers.scoped import Scoped
from local.servers.valkey import Valkey
from local.servers.valkey_group import ask, await_condition

if TYPE_CHECKING:
    from collections.abc import Mapping

# A node that is silent for so long is replaced by its replica.
NODE_TIMEOUT_MS = 1000
# A node that does not say at once who serves what is passed over.
MAP_TIMEOUT_S = 0.3


class ValkeyCluster(Scoped):
    """As a context manager it runs inside the block. Nodes are killed, frozen and resumed singly.

    nodes: first the primaries at the start, then their replicas, in the same order.
    """

    name: ClassVar[str] = "Valkey cluster"

    def __init__(
        self, primaries: int = 3, replicas: int = 1, options: Mapping[str, str] | None = None
    ) -> None:
        """`replicas` is the number for each primary; `options` are added to the configuration."""
        self._primaries = primaries
        common = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            # As production must have it: the other shards continue without one that is lost.
            "cluster-require-full-coverage": "no",
            "repl-diskless-sync-delay": "0",
            **(options or {}),
        }
        # The bus would take the port 10,000 above, in the range of outgoing connections.
        self.nodes = [
            Valkey(options={**common, "cluster-port": str(free_port())})
            for _ in range(primaries * (1 + replicas))
        ]
        self._to_ask = list(self.nodes)

    @property
    def address(self) -> str:
        """host:port of each node."""
        return ",".join(node.address for node in self.nodes)

    @property
    def url(self) -> str:
        """`REDIS_URL`, which goes with REDIS_CLUSTER=on: some of the nodes are enough."""
        return f"redis://{self.address}/0"

    def launch(self) -> None:
        """Start all nodes without waiting."""
        for node in self.nodes:
            node.launch()

    def wait_until_ready(self) -> None:
        """Make a cluster of the nodes, and wait until it serves and every replica follows."""
        for node in self.nodes:
            node.wait_until_ready()
        first, size = self.nodes[0], self._primaries
        for number, node in enumerate(self.nodes[:size]):
            start = number * REDIS_CLUSTER_HASH_SLOTS // size
            end = (number + 1) * REDIS_CLUSTER_HASH_SLOTS // size - 1
            ask(node, "CLUSTER", "ADDSLOTSRANGE", start, end)
            ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = node.options["cluster-port"]
            ask(first, "CLUSTER", "MEET", HOST, node.port, bus)
        await_condition(
            lambda: all(self._knows_all(node) for node in self.nodes), "that all nodes meet"
        )
        for number, node in enumerate(self.nodes[size:]):
            primary = ask(self.nodes[number % size], "CLUSTER", "MYID").decode()
            ask(node, "CLUSTER", "REPLICATE", primary)
        await_condition(self.is_whole, "that the cluster serves and every replica follows")

    def check(self) -> None:
        """Raise ServerError, with the end of its log, when a node has ended by itself."""
        for node in self.nodes:
            node.check()

    def start(self) -> None:
        """Start, and return when the cluster serves."""
        self.launch()
        self.wait_until_ready()

    def remove(self) -> None:
        """End all nodes and remove their data."""
        for node in self.nodes:
            node.remove()

    def owner_of(self, key: str) -> Valkey:
        """Return the primary that has `key`, as a node that responds knows it."""
        slot = key_slot(key.encode())
        for start, end, ports in self._shards():
            if start <= slot <= end:
                return self._node(ports[0])
        message = f"no node of the cluster has the slot {slot}"
        raise ServerError(message)

    def replica_of(self, primary: Valkey) -> Valkey:
        """Return a replica of this primary; raise ServerError where it has none."""
        for _, _, ports in self._shards():
            if self._node(ports[0]) is primary and len(ports) > 1:
                return self._node(ports[1])
        message = f"{primary.address} is no primary with a replica"
        raise ServerError(message)

    def primaries(self) -> list[Valkey]:
        """Return the nodes that have slots."""
        ports = {shard[0] for _, _, shard in self._shards()}
        return [node for node in self.nodes if _ports(node) & ports]

    def promote(self, replica: Valkey) -> None:
        """Let a replica take over at once, also when its primary does not respond."""
        ask(replica, "CLUSTER", "FAILOVER", "TAKEOVER")
        await_condition(lambda: replica in self.primaries(), "that the replica takes over")

    def is_whole(self) -> bool:
        """Return whether every node serves, and every replica has caught up."""
        return all(_is_up(node) for node in self.nodes)

    def _shards(self) -> list[tuple[int, int, list[int]]]:
        """Return first and last slot of each range, with the ports of its primary and replicas."""
        for node in list(self._to_ask):
            try:
                found = ask(node, "CLUSTER", "SLOTS", timeout_s=MAP_TIMEOUT_S)
            except (redis.RedisError, ServerError):
                self._to_ask.remove(node)  # killed or frozen: the last one to be asked again
                self._to_ask.append(node)
                continue
            return [(start, end, [each[1] for each in nodes]) for start, end, *nodes in found]
        message = "no node of the cluster responds"
        raise ServerError(message)

    def _node(self, port: int) -> Valkey:
        return next(node for node in self.nodes if port in _ports(node))

    def _knows_all(self, node: Valkey) -> bool:
        lines = ask(node, "CLUSTER", "NODES").decode().splitlines()
        return len(lines) == len(self.nodes) and not any("handshake" in line for line in lines)


def _ports(node: Valkey) -> set[int]:
    """Return the ports that it may have in a map of the slots.

    A node that has just started does not know yet which port another one announces to clients.
    """
    announced = (node.options.get(f"cluster-announce-{kind}") for kind in ("client-port", "port"))
    return {node.port, *(int(port) for port in announced if port)}


def _is_up(node: Valkey) -> bool:
    state = ask(node, "CLUSTER", "INFO").decode()
    follows = ask(node, "INFO", "replication").decode()
    has_state = "role:master" in follows or "master_link_status:up" in follows
    return "cluster_state:ok" in state and has_state
