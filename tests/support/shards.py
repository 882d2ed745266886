"""Campaigns on the shards of a Redis cluster, of which some are dead or silent."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.coupon import CouponAccepted
from local.servers.valkey_group import ask
from tests.support.service import apply
from tests.support.single import admit_one
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers import Valkey, ValkeyCluster


def shard_of(cluster: ValkeyCluster, campaign_id: str) -> Valkey:
    return cluster.owner_of(CampaignKeys.of(campaign_id).campaign)


def _pair(cluster: ValkeyCluster, key: str) -> tuple[Valkey, Valkey]:
    """Return primary and replica of a key; on a busy machine a node may hold one for dead."""
    eventually(cluster.is_whole, "a cluster that is whole")
    primary = cluster.owner_of(key)
    return primary, cluster.replica_of(primary)


@contextmanager
def without_shard(cluster: ValkeyCluster, key: str) -> Iterator[None]:
    """Inside the block the shard that has `key` is dead, with its replica; then it is empty."""
    primary, replica = _pair(cluster, key)
    gone = [primary, replica]
    for node in gone:
        node.kill()
    try:
        yield
    finally:
        for node in gone:
            node.start()


@contextmanager
def silent_shard(cluster: ValkeyCluster, key: str) -> Iterator[None]:
    """Inside the block the shard that has `key` does not respond; then it has all its data."""
    primary, replica = _pair(cluster, key)
    # It would take over when it continues, and find that its primary was held for dead.
    ask(replica, "CONFIG", "SET", "cluster-replica-no-failover", "yes")
    for node in (primary, replica):
        node.freeze()
    try:
        yield
    finally:
        for node in (primary, replica):
            node.resume()
    eventually(lambda: all(map(_serves_all, cluster.nodes)), "that all know the primary again")
    ask(replica, "CONFIG", "SET", "cluster-replica-no-failover", "no")


def _serves_all(node: Valkey) -> bool:
    return f"cluster_slots_ok:{REDIS_CLUSTER_HASH_SLOTS}\r" in ask(node, "CLUSTER", "INFO").decode()


def close_campaign(settings: Settings, campaign_id: str) -> None:
    """Give a campaign the epoch of an earlier run of its server."""
    with closing(connect(settings)) as client:
        client.hset(CampaignKeys.of(campaign_id).campaign, "epoch", "f" * 40)
    assert apply(campaign_id, "42").status == 503


def strand(settings: Settings, campaign_id: str) -> None:
    """Admit a user `stranded` long ago, for whom nothing was sent to Kafka."""
    assert admit_one(wiring.admissions(), campaign_id, "stranded").is_pending
    with closing(connect(settings)) as client:
        client.zadd(CampaignKeys.of(campaign_id).pending, {"stranded": 1})


def users_in_topic(campaign_id: str) -> list[str]:
    """Return the users of a campaign of whom the topic has records that are not consumed."""
    with closing(wiring.topic().unconsumed(lambda: True)) as backlog:
        found = [CouponAccepted.decode(value) for value, _ in backlog.records]
    return [coupon.user_id for coupon in found if coupon.campaign_id == campaign_id]
