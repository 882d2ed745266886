"""The campaign's state in Redis: the highest serial given out, and pending admissions."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import CampaignKeys

if TYPE_CHECKING:
    from handlers.config import Settings


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
