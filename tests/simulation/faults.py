"""The faults of the servers in a history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.coupon import CouponAccepted

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

FROM_DISK = "restarts with what its disk has"
EMPTIED = "emptied"
REDIS_FAULTS = (FROM_DISK, "restarts", EMPTIED, "fsync")
# No history changes the quantity, or returns places, as often.
BEYOND = 1000
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
        if cluster.journal:
            cluster.journal.begin_history()


def poison(cluster: Cluster, kind: str, partition: int) -> None:
    """Put a record into the topic that can never become a coupon."""
    campaign = cluster.campaigns[0]
    wrong = {
        "unknown": CouponAccepted("nobody-knows-it", "forger", 1, 0),
        "zero": CouponAccepted(campaign.id, "forger", 0, 0),
        "beyond": CouponAccepted(campaign.id, "forger", campaign.quantity + BEYOND, 0),
    }
    cluster.faults += 1
    value = wrong[kind].encode() if kind in wrong else b"\xff{"
    cluster.poisoned.add((partition, cluster.log.append(partition, value)))
