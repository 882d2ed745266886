"""Carries out changes of campaigns, and completes those that a process left half-done.

A change takes three steps, and whoever makes one may be killed after each: it is noted in Redis,
with what it narrows; made in MySQL; pushed to Redis. From the first step on any process can go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import erasure, log, operations, wiring
from handlers.domain.campaign_change import CampaignChange, is_same
from handlers.domain.errors import (
    CampaignNotFoundError,
    ChangeUnderWayError,
    InvalidRequestError,
    PreconditionFailedError,
    QuantityTooLowError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.campaign import Campaign, CampaignStatus

# MySQL will never make such a change.
REFUSED = (
    PreconditionFailedError,
    QuantityTooLowError,
    CampaignNotFoundError,
    InvalidRequestError,
)


def carry_out(campaign_id: str, change: CampaignChange) -> Campaign:
    """Make a change; return the campaign afterwards.

    Raises what `RedisCampaignChanges.narrow` does; then nothing has changed. After an
    UnavailableError the change may still be made.
    """
    changes = operations.redis_campaign_changes()
    try:
        noted = changes.narrow(campaign_id, change)
    except ChangeUnderWayError:
        conform(campaign_id)
        noted = changes.narrow(campaign_id, change)
    return _go_on(campaign_id, change, noted.fence, noted.closes_at_ms)


def conform(campaign_id: str) -> None:
    """Let Redis have what MySQL has; complete a change that is noted.

    Raises ServiceError unless that is so afterwards.
    """
    campaign = wiring.mysql_queries().campaign(campaign_id)
    status = wiring.redis_campaigns().status(campaign_id)
    if campaign and not campaign.archived and is_unfinished(campaign, status):
        _complete(campaign, status)


def complete(campaigns: Sequence[Campaign]) -> None:
    """Complete what is unfinished of these campaigns of MySQL, and forget those archived.

    Normally one round trip to Redis. What cannot be completed now is logged, and is again at the
    next call.
    """
    statuses, listed = wiring.redis_campaigns().glance([campaign.id for campaign in campaigns])
    for campaign in campaigns:
        status = statuses.get(campaign.id)
        if status and status.campaign.erased_users < campaign.erased_users:
            erasure.complete(campaign)
        if status and is_unfinished(campaign, status):
            fields = {"campaign_id": campaign.id, "version": campaign.version}
            try:
                _complete(campaign, status)
            except ServiceError:
                log.exception("change not completed", fields)
            else:
                log.info("change completed", fields)
    for campaign_id in listed - {campaign.id for campaign in campaigns}:
        found = wiring.mysql_queries().campaign(campaign_id)
        if found and found.archived:
            operations.redis_campaign_changes().forget(campaign_id)


def is_unfinished(campaign: Campaign, status: CampaignStatus) -> bool:
    """Return whether Redis should have what MySQL has and does not, as after an UPDATE by hand.

    A version of Redis that is above was made since MySQL was read.
    """
    in_redis = status.campaign
    if in_redis.version > campaign.version:
        return False
    is_older = in_redis.version < campaign.version
    return bool(status.change) or is_older or not is_same(campaign, in_redis)


def _complete(campaign: Campaign, status: CampaignStatus) -> None:
    change = CampaignChange.parse(status.change) if status.change else None
    if change and change.base == campaign.version:
        in_redis = status.campaign
        _go_on(campaign.id, change, in_redis.fence, in_redis.closes_at_ms)
    else:
        operations.redis_campaign_changes().push(campaign)


def _go_on(campaign_id: str, change: CampaignChange, fence: int, closes_at_ms: int) -> Campaign:
    """Make a change that is noted in MySQL, then in Redis."""
    changes = operations.redis_campaign_changes()
    try:
        after = operations.mysql_campaign_changes().make(campaign_id, change, fence, closes_at_ms)
    except REFUSED:
        found = wiring.mysql_queries().campaign(campaign_id)
        if found and not found.archived:
            changes.push(found, given_up=change.text)
        raise
    changes.push(after)
    return after
