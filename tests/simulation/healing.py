"""What must come right by itself once no fault happens any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.errors import ServiceError
from handlers.domain.record import FailedStatus

if TYPE_CHECKING:
    from tests.simulation.world import World

BATCH = 1000


def heal(world: World) -> str:
    """Let every program run without faults until nothing is left to do; say what never ends."""
    world.ledger.refused.clear()
    world.log.wire.clear()
    for _ in range(world.settings.redrive_max_attempts):
        try:
            world.rebuild()
            world.relay()
            while not world.log.is_consumed:
                world.consume(BATCH)
            for status in (FailedStatus.PENDING, FailedStatus.DEAD):
                world.redrive(status)
        except ServiceError as error:
            return f"healthy, and yet {error!r}"
        if not (left := _left(world)):
            return ""
    return left


def _left(world: World) -> str:
    pending = sum(world.redis.look(campaign.id)[3] for campaign in world.campaigns)
    if pending:
        return f"{pending} still pending"
    [(waiting,)] = world.rows(
        "SELECT COUNT(*) FROM failed_event WHERE status = 'PENDING' AND topic = %s "
        "AND user_id <> 'forger'",
        world.log.topic,
    )
    return f"failed events: {waiting}" if waiting else ""
