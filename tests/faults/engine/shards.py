"""Redis as a cluster of three shards, each with a replica; one of them has the campaign."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from redis.crc import key_slot
from redis.exceptions import RedisError

from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from local.servers import ServerError, Valkey, ValkeyCluster
from local.servers.ports import HOST, free_port
from local.servers.valkey_group import ask, await_condition
from tests.faults.engine.configuration import configure
from tests.faults.engine.links import Link, LinkMode, Links
from tests.faults.engine.replication import OPTIONS
from tests.faults.engine.scenario import EMPTIED, WHOLE

CLIENT_PORT, NODE_PORT = "cluster-announce-client-port", "cluster-announce-port"
OWNER_S = 2.0
KEYS_MAX = 1000  # in the slot of a campaign: seven, and those of another one by chance
POLL_INTERVAL_S = 0.02
# The shard is in such a state that a fault of it has no effect.
GONE = (RedisError, ServerError)
MIGRATE_TIMEOUT_MS = 1000


class Shards:
    """Strikes the shard that has `key`.

    Programs reach each node through one link, its replica through another. Nodes watch each other
    past both.
    """

    def __init__(self) -> None:
        self._cluster = ValkeyCluster(options=OPTIONS)
        self.nodes = {f"redis{n}": node for n, node in enumerate(self._cluster.nodes, 1)}
        for node in self.nodes.values():
            node.options |= {CLIENT_PORT: str(free_port()), NODE_PORT: str(free_port())}
        self.key = CAMPAIGNS
        self._replication: dict[str, Link] = {}
        self._struck: list[Valkey] = []
        self._move: tuple[int, Valkey] | None = None

    @property
    def client_ports(self) -> dict[str, int]:
        """The port of each node's link for programs."""
        return {name: int(node.options[CLIENT_PORT]) for name, node in self.nodes.items()}

    def start(self, links: Links) -> None:
        """Make a cluster of the nodes that were launched; return when it serves."""
        for name, node in self.nodes.items():
            self._replication[name] = links.add(int(node.options[NODE_PORT]), node.port)
        self._cluster.wait_until_ready()

    def owner(self, key: str = "") -> str:
        """Return the name of the primary that has `key`, or the struck campaign."""
        return self._name(self._cluster.owner_of(key or self.key))

    def is_elsewhere(self, campaign_id: str, other_id: str) -> bool:
        """Return whether two campaigns are on different shards."""
        keys = CampaignKeys.of(campaign_id).campaign, CampaignKeys.of(other_id).campaign
        return self.owner(keys[0]) != self.owner(keys[1])

    def primaries(self) -> list[str]:
        """Return the names of the nodes that have slots."""
        return [self._name(node) for node in self._cluster.primaries()]

    def heal(self) -> None:
        """All nodes run and all links are whole: return once every shard has its replica again."""
        self._heal_replication()
        for node in self.nodes.values():
            configure(node, "min-replicas-to-write", 1)
        self._struck = []
        await_condition(self._is_whole, "that the cluster is whole again")
        with suppress(*GONE):
            self.end_move()
        self._move = None

    def kill(self, how: str) -> None:
        """End the primary for a while. EMPTIED: and its replica, and they lose their data."""
        primary, replica = self._pair()
        self._let_alone(replica)
        nodes = [primary, replica] if how == EMPTIED else [primary]
        self._struck += nodes
        for node in nodes:
            node.kill()
            if how == EMPTIED and (data := node.home / "appendonlydir").exists():
                shutil.rmtree(data)

    def freeze(self) -> None:
        """Pause the primary for longer than its replica waits; it comes back as a replica."""
        primary, replica = self._pair()
        self._let_alone(replica)
        self._struck.append(primary)
        primary.freeze()

    def revive(self) -> None:
        """Let the nodes run again that were killed or frozen."""
        for node in self._struck:
            if node.running:
                node.resume()
            node.launch()
        for node in self._struck:
            node.wait_until_ready()
        self._struck = []

    def lag(self) -> None:
        """From now on the replica gets nothing, and no end of the connection notices."""
        self._replication[self.owner()].set(LinkMode.SILENT)

    def take_over(self) -> None:
        """Promote the replica without asking the primary, which is demoted when it hears of it."""
        try:
            _, replica = self._pair()
            self._promote(replica, "TAKEOVER")
        finally:
            self._heal_replication()

    def fail_over(self) -> None:
        """Promote the replica in order: nothing is lost, and the history is another one."""
        _, replica = self._pair()
        self._promote(replica)

    def begin_move(self, how: str) -> None:
        """Move the campaign's slot to another shard. Key by key, the first of them now."""
        slot, source = key_slot(self.key.encode()), self.nodes[self.owner()]
        primaries = self._cluster.primaries()
        target = primaries[primaries.index(source) - 1]
        ids = [ask(node, "CLUSTER", "MYID").decode() for node in (source, target)]
        if how == WHOLE:
            where = ("SLOTSRANGE", slot, slot, "NODE", ids[1])
            ask(source, "CLUSTER", "MIGRATESLOTS", *where)
            self._await_owner(target)
            return
        self._move = slot, target
        ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        self._migrate(source, 1)

    def end_move(self) -> None:
        """Move the other keys, and give the slot to the shard that has them now.

        Where a node does not respond it has to be called again: no operator leaves it at that.
        """
        if self._move:
            slot, target = self._move
            source = self.nodes[self.owner()]  # perhaps promoted since
            self._migrate(source, KEYS_MAX)
            owner = ask(target, "CLUSTER", "MYID").decode()
            for node in (target, source):
                ask(node, "CLUSTER", "SETSLOT", slot, "NODE", owner)
            self._move = None
            self._await_owner(target)

    @property
    def is_moving(self) -> bool:
        """Whether a move has begun that has not ended."""
        return self._move is not None

    def _migrate(self, source: Valkey, count: int) -> None:
        assert self._move
        slot, target = self._move
        keys = ask(source, "CLUSTER", "GETKEYSINSLOT", slot, count)
        if keys:
            where = (HOST, target.port, "", 0, MIGRATE_TIMEOUT_MS)
            ask(source, "MIGRATE", *where, "REPLACE", "KEYS", *keys)

    def _promote(self, replica: Valkey, *how: str) -> None:
        ask(replica, "CLUSTER", "FAILOVER", *how)
        self._await_owner(replica)

    def _await_owner(self, node: Valkey) -> None:
        deadline = time.monotonic() + OWNER_S
        while self.nodes[self.owner()] is not node:
            if time.monotonic() > deadline:
                message = f"the campaign did not come to {node.address} in time"
                raise ServerError(message)
            time.sleep(POLL_INTERVAL_S)

    def _heal_replication(self) -> None:
        for link in self._replication.values():
            link.heal()

    def _let_alone(self, replica: Valkey) -> None:
        """Let the replica decide without the primary, as if it had a replica itself."""
        configure(replica, "min-replicas-to-write", 0)

    def _pair(self) -> tuple[Valkey, Valkey]:
        primary = self._cluster.owner_of(self.key)
        return primary, self._cluster.replica_of(primary)

    def _is_whole(self) -> bool:
        try:
            primaries = self._cluster.primaries()
            is_complete = len(primaries) == len(self.nodes) // 2 and self._cluster.is_whole()
            return is_complete and all(map(_takes_writes, primaries))
        except GONE:
            return False

    def _name(self, node: Valkey) -> str:
        return next(name for name, each in self.nodes.items() if each is node)


def _takes_writes(primary: Valkey) -> bool:
    """Return whether it counts its replica already, as min-replicas-to-write does."""
    return "min_slaves_good_slaves:1" in ask(primary, "INFO", "replication").decode()
