"""Changes of campaigns, called directly, and what the servers have of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.campaign_change import changeable_json
from tests.support.service import ADMIN, ask, rows

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

PATCH, SHOW = "PATCH /campaigns/{id}", "GET /campaigns/{id}"


def tag(campaign_id: str) -> str:
    return ask(SHOW, campaign_id).headers["ETag"]


def patch(campaign_id: str, fields: object, if_match: str | None = "*") -> Response:
    headers = {} if if_match is None else {"If-Match": if_match}
    return ask(PATCH, campaign_id, user="boss", scope=ADMIN, body=fields, headers=headers)


def in_redis(campaign_id: str) -> dict[str, Any]:
    """Return what an administrator has set, and the version, as Redis has it."""
    campaign = wiring.redis_campaigns().status(campaign_id).campaign
    return {**changeable_json(campaign), "version": campaign.version}


def in_mysql(campaign_id: str) -> dict[str, Any]:
    campaign = wiring.mysql_queries().campaign(campaign_id)
    assert campaign
    return {**changeable_json(campaign), "version": campaign.version}


def events(settings: Settings, campaign_id: str) -> list[tuple[str, str, Any]]:
    """Return kind, actor and detail of each event of a campaign, in order."""
    statement = "SELECT kind, actor, detail FROM coupon_event WHERE campaign_id = %s ORDER BY id"
    found = rows(settings, statement, campaign_id)
    return [(kind, actor, json.loads(detail or "null")) for kind, actor, detail in found]
