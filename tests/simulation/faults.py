"""The faults of the servers in a history."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.coupon import CouponAccepted, decoded

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

FROM_DISK = "restarts with what its disk has"
EMPTIED = "emptied"
REDIS_FAULTS = (FROM_DISK, "restarts", EMPTIED, "fsync")
POISON = ("broken", "unknown", "zero", "beyond")


def inject_redis(cluster: Cluster, kind: str) -> None:
    """Inject one of REDIS_FAULTS."""
    cluster.faults += 1
    if kind == "fsync":
        cluster.redis.fsync()
        return
    cluster.new_epochs += 1
    if kind == EMPTIED:
        cluster.redis.flush()
    else:
        cluster.redis.restart(with_last_moments=kind != FROM_DISK)


def may_flush(cluster: Cluster) -> bool:
    """Tell whether no coupon is on the disk of Redis alone: that loss is documented."""
    on_disk = cluster.scripts.on_disk
    return not on_disk or on_disk <= _stored_elsewhere(cluster)


def poison(cluster: Cluster, kind: str, partition: int) -> None:
    """Put a record into the topic that can never become a coupon."""
    campaign = cluster.campaigns[0]
    wrong = {
        "unknown": CouponAccepted("nobody-knows-it", "forger", 1, 0),
        "zero": CouponAccepted(campaign.id, "forger", 0, 0),
        "beyond": CouponAccepted(campaign.id, "forger", campaign.quantity + 1, 0),
    }
    cluster.faults += 1
    value = wrong[kind].encode() if kind in wrong else b"\xff{"
    cluster.poisoned.add((partition, cluster.log.append(partition, value)))


def _stored_elsewhere(cluster: Cluster) -> set[tuple[str, str]]:
    """Return (key of the campaign, user) of all users whom Kafka or MySQL has."""
    found = {
        (str(campaign_id), str(user))
        for table in ("coupon", "failed_event")
        for campaign_id, user in cluster.rows(f"SELECT campaign_id, user_id FROM {table}")
    }
    values = itertools.chain.from_iterable(cluster.log.partitions)
    found |= {(one.campaign_id, one.user_id) for one in decoded(values)}
    return {(CampaignKeys.of(campaign_id).campaign, user) for campaign_id, user in found}
