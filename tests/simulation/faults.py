"""What befalls the servers of a history."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.coupon import CouponAccepted, decoded

if TYPE_CHECKING:
    from tests.simulation.world import World

FROM_DISK = "restarts with what its disk has"
EMPTIED = "emptied"
REDIS_FAULTS = (FROM_DISK, "restarts", EMPTIED, "fsync")
POISON = ("broken", "unknown", "zero", "beyond")


def befall_redis(world: World, kind: str) -> None:
    """Do one of REDIS_FAULTS."""
    world.faults += 1
    if kind == "fsync":
        world.redis.fsync()
        return
    world.new_epochs += 1
    if kind == EMPTIED:
        world.redis.flush()
    else:
        world.redis.restart(with_last_moments=kind != FROM_DISK)


def may_flush(world: World) -> bool:
    """Tell whether nobody's coupon is on the disk of Redis alone: that loss is documented."""
    on_disk = world.scripts.on_disk
    return not on_disk or on_disk <= _kept_elsewhere(world)


def poison(world: World, kind: str, partition: int) -> None:
    """Put a record into the topic that can never become a coupon."""
    campaign = world.campaigns[0]
    wrong = {
        "unknown": CouponAccepted("nobody-knows-it", "forger", 1, 0),
        "zero": CouponAccepted(campaign.id, "forger", 0, 0),
        "beyond": CouponAccepted(campaign.id, "forger", campaign.quantity + 1, 0),
    }
    world.faults += 1
    value = wrong[kind].encode() if kind in wrong else b"\xff{"
    world.poisoned.add((partition, world.log.append(partition, value)))


def _kept_elsewhere(world: World) -> set[tuple[str, str]]:
    """Return (key of the campaign, user) of whoever Kafka or MySQL has."""
    found = {
        (str(campaign_id), str(user))
        for table in ("coupon", "failed_event")
        for campaign_id, user in world.rows(f"SELECT campaign_id, user_id FROM {table}")
    }
    values = itertools.chain.from_iterable(world.log.partitions)
    found |= {(one.campaign_id, one.user_id) for one in decoded(values)}
    return {(CampaignKeys.of(campaign_id).campaign, user) for campaign_id, user in found}
