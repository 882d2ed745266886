"""Ways to lose the state in Redis, and the preparation of a rebuild."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import epoch_key
from tests.support.service import message
from tests.support.single import publish_one
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from handlers.config import Settings

ACK_TIMEOUT_MS = 2000


def warm_up() -> None:
    """Build the producer, which takes longer than the ack timeout of these tests."""
    warm = message("warm-up", "no-user", 1)
    publisher = wiring.publisher()
    eventually(
        lambda: publish_one(publisher, warm, "", time.monotonic() + WAIT_S), "an ack from Kafka"
    )


def flush(settings: Settings) -> None:
    with closing(connect(settings)) as redis:
        redis.flushall()


def mark_as_restarted(settings: Settings, campaign_id: str) -> None:
    """Set the epochs to those of an earlier run of Redis."""
    with closing(connect(settings)) as redis:
        redis.set(epoch_key(is_cluster=settings.redis_cluster), "f" * 40)
        redis.hset(f"coupon:{{{campaign_id}}}:campaign", "epoch", "f" * 40)
