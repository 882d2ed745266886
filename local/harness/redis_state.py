"""The campaign's state in Redis: the highest serial given out, and pending admissions."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import CampaignKeys

if TYPE_CHECKING:
    from handlers.config import Settings

# Consumers settle in Redis right after their commit to MySQL.
SETTLE_POLL_S = 0.02


def settled_counts(settings: Settings, campaign_id: str, wait_s: float) -> tuple[int, int]:
    """Return the counts once no admission is pending, or at the deadline."""
    deadline, pause = time.monotonic() + wait_s, threading.Event()
    while True:
        highest, pending = read_counts(settings, campaign_id)
        if not pending or time.monotonic() > deadline:
            return highest, pending
        pause.wait(SETTLE_POLL_S)


def read_counts(settings: Settings, campaign_id: str) -> tuple[int, int]:
    """Return coupon_count and the number of pending admissions."""
    keys = CampaignKeys.of(campaign_id)
    with closing(connect(settings)) as client:
        return int(client.get(keys.coupon_count) or 0), int(client.zcard(keys.pending))


def read_version(settings: Settings, campaign_id: str) -> str:
    """Return name and version of the server."""
    with closing(connect(settings)) as client:
        owner = client_of_key(client, CampaignKeys.of(campaign_id).campaign)
        about = owner.info("server")
    if "valkey_version" in about:
        return f"Valkey {about['valkey_version']}"
    return f"Redis {about.get('redis_version', 'of unknown version')}"
