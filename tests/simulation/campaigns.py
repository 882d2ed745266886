"""The campaigns of a history: open for all of its time, some with a coupon that comes later."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from handlers.domain.campaign import Campaign
from handlers.domain.releases import Releases

DAY_MS = 86_400_000


def simulated(campaign_id: str, quantity: int, *, staged: bool) -> Campaign:
    """Return a campaign; staged: its last coupon is released when the history is over."""
    now_ms = int(time.time() * 1000)
    opens_at_ms, closes_at_ms = now_ms - DAY_MS, now_ms + DAY_MS
    campaign = Campaign(campaign_id, "Simulated", quantity, opens_at_ms, closes_at_ms)
    if not staged or quantity == 1:
        return campaign
    steps = [[opens_at_ms, quantity - 1], [now_ms + DAY_MS // 2, 1]]
    return replace(campaign, releases=Releases.parse(json.dumps(steps)))
