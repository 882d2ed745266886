"""The tap finds by itself which node of a cluster decides about a campaign, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.crc import key_slot
from redis.exceptions import RedisError

from handlers.adapters.redis.campaigns import OPEN
from handlers.adapters.redis.keys import CampaignKeys
from local.servers import ServerError, Valkey, ValkeyCluster
from local.servers.valkey_group import ask
from tests.faults.acceptor.events import Left, RedisOrder, ScriptRun, Snapshot
from tests.faults.taps.cluster_tap import ClusterTap
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMPAIGN, OTHER = "c", "d"
KEYS = CampaignKeys.of(CAMPAIGN)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    with ValkeyCluster() as running:
        yield running


@pytest.fixture
def tap(cluster: ValkeyCluster) -> Iterator[ClusterTap]:
    def is_whole() -> bool:
        try:
            return cluster.is_whole()
        except (RedisError, ServerError):
            return False

    eventually(is_whole, "every node runs")
    watching = ClusterTap(cluster.nodes)
    for node in cluster.primaries():
        ask(node, "FLUSHALL")
    watching.watch([CAMPAIGN, OTHER])
    yield watching
    watching.close()


def opened(node: Valkey) -> None:
    ask(node, "EVAL", OPEN.source, 5, *KEYS.all(), "1", "1", "quantity", "2")


def kinds(order: RedisOrder) -> list[type]:
    return [type(event) for event in order.events]


def sees(tap: ClusterTap, node: Valkey, *, decides: bool) -> None:
    """Return once the tap has seen whether a node decides."""
    followed = next(each for each in tap._nodes if each._node is node)
    eventually(lambda: (CAMPAIGN in followed._decides) == decides, "the tap sees who decides")


def test_what_a_replica_receives_is_not_what_clients_asked_of_it(
    cluster: ValkeyCluster, tap: ClusterTap
) -> None:
    primary = cluster.owner_of(KEYS.campaign)
    replica = cluster.replica_of(primary)
    opened(primary)
    eventually(lambda: ask(replica, "DBSIZE") == 2, "the replica has received it")
    [[order], _] = tap.cut()
    assert kinds(order) == [Snapshot, ScriptRun, Snapshot]
    assert order.is_primary
    assert tap.gaps == []


def test_campaigns_on_two_shards_have_an_order_each(
    cluster: ValkeyCluster, tap: ClusterTap
) -> None:
    opened(cluster.owner_of(KEYS.campaign))
    [[first], [second]] = tap.cut()
    assert kinds(first) == [Snapshot, ScriptRun, Snapshot]
    assert kinds(second) == [Snapshot, Snapshot]


def test_a_promoted_replica_begins_with_a_snapshot_and_the_demoted_primary_leaves(
    cluster: ValkeyCluster, tap: ClusterTap
) -> None:
    primary = cluster.owner_of(KEYS.campaign)
    replica = cluster.replica_of(primary)
    opened(primary)
    ask(replica, "CLUSTER", "FAILOVER")
    sees(tap, replica, decides=True)
    sees(tap, primary, decides=False)
    [orders, _] = tap.cut()
    before, after = sorted(orders, key=lambda order: order.is_primary)
    assert kinds(before) == [Snapshot, ScriptRun, Left]
    assert kinds(after) == [Snapshot, Snapshot]
    first = after.events[0]
    assert isinstance(first, Snapshot)
    assert first.begins
    assert first.history != first.holding.epoch
    assert tap.gaps == []


def test_a_killed_primary_that_returns_as_a_replica_has_an_order_that_ends(
    cluster: ValkeyCluster, tap: ClusterTap
) -> None:
    primary = cluster.owner_of(KEYS.campaign)
    replica = cluster.replica_of(primary)
    primary.kill()
    sees(tap, replica, decides=True)
    primary.start()
    [orders, _] = tap.cut()
    killed, promoted = sorted(orders, key=lambda order: order.died_s or 0.0, reverse=True)
    assert (kinds(killed), killed.is_primary) == ([Snapshot], False)
    assert killed.died_s
    assert (kinds(promoted), promoted.is_primary) == ([Snapshot, Snapshot], True)
    assert tap.gaps == []


def test_a_slot_that_moves_takes_the_campaign_to_another_order(
    cluster: ValkeyCluster, tap: ClusterTap
) -> None:
    source = cluster.owner_of(KEYS.campaign)
    target = next(node for node in cluster.primaries() if node is not source)
    opened(source)
    slot, target_id = key_slot(KEYS.campaign.encode()), ask(target, "CLUSTER", "MYID").decode()
    ask(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target_id)
    sees(tap, target, decides=True)
    sees(tap, source, decides=False)
    [orders, _] = tap.cut()
    before, after = sorted(orders, key=lambda order: order.is_primary)
    assert kinds(before) == [Snapshot, ScriptRun, Left]
    moved = after.events[0]
    assert isinstance(moved, Snapshot)
    assert moved.holding.fence == 1
    assert tap.gaps == []


def test_a_node_that_serves_from_its_start_on_may_have_been_seen_too_late() -> None:
    with Valkey() as alone:
        tap = ClusterTap([alone])
        tap.watch([CAMPAIGN])
        alone.restart()
        eventually(lambda: tap.gaps, "the tap sees that it decides")
        tap.cut()
        gaps = tap.gaps
        tap.close()
    assert gaps == ["a node that started served before it was followed"]


def test_a_node_that_does_not_run_is_a_gap() -> None:
    tap = ClusterTap([Valkey()])
    tap.watch([CAMPAIGN])
    assert tap.cut() == [[]]
    tap.close()
    assert len(tap.gaps) == 2
