"""Opens a campaign on a Redis that has lost its state, as the rebuild does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handlers.adapters.redis.rebuild import RedisRebuild

if TYPE_CHECKING:
    from handlers.adapters.redis.scripts import Scripts
    from handlers.domain.campaign import Campaign


def reopen(scripts: Scripts, campaign: Campaign, fence: int) -> None:
    """Open `campaign` and renew the epoch; each call needs a higher fence."""
    rebuild = RedisRebuild(scripts)
    token = rebuild.begin_epoch()
    if rebuild.begin(campaign.id, fence):
        rebuild.reopen(replace(campaign, fence=fence), fence)
    rebuild.renew_epoch(token, [campaign.id])
