"""Campaigns over HTTP: create, read, list, and an administrator's counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import operations, wiring
from handlers.domain import times
from handlers.domain.campaign import Campaign, campaign_json
from handlers.domain.errors import (
    CampaignExistsError,
    InvalidRequestError,
)
from handlers.domain.identifiers import is_campaign_id
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.etag import version_header
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.edge.http.request import Request

# All clients poll the same page before the opening; caching it for 1 s saves Redis most reads. An
# old one in place of an error would set a waiting page's clock back, so no cache may show it.
PUBLIC = {"Cache-Control": "max-age=1, stale-if-error=0"}
LIMIT_DEFAULT, LIMIT_MAX = 100, 1000


@endpoint
def create_campaign_handler(request: Request) -> dict[str, Any]:
    """POST /campaigns: MySQL first, then Redis. Repeating it completes an interrupted creation."""
    admin = wiring.authenticator().require_admin(request.headers)
    campaign = Campaign.from_request(request.json_object())
    if campaign.rules.challenge and not wiring.settings().has_challenge_secret:
        message = "challenge: this service has no CHALLENGE_SECRET"
        raise InvalidRequestError(message)
    request.log_fields["campaign_id"] = campaign.id
    existing, created = wiring.mysql_queries().create_campaign(campaign, admin.id)
    if existing != campaign or existing.archived:
        raise CampaignExistsError
    wiring.redis_campaigns().open(existing, created=created)
    if not created:
        operations.completion().conform(campaign.id)  # the row may have been changed by hand
    wiring.campaign_list().forget()
    body, headers = campaign_json(existing), version_header(existing.version)
    return json_response(201 if created else 200, body, headers)


@endpoint
def campaigns_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns: a page of campaigns by id, without those that closed over a day ago."""
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    after = request.query.get("after")
    # Not even "": a client that forgets to fill it in would read the first page for ever.
    if after is not None and not is_campaign_id(after):
        message = "after: must be the id of a campaign"
        raise InvalidRequestError(message)
    page = wiring.campaign_list().page(after or "", limit)
    found = [status.to_json() for status in page.statuses]
    return json_response(200, {"campaigns": found, "next_after": page.next_after}, PUBLIC)


@endpoint
def campaign_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns/{id}: one campaign, what remains of it, and Redis's time."""
    status = wiring.redis_campaigns().status(request.campaign_id())
    headers = version_header(status.campaign.version, status.now_ms)
    body = status.to_json() | {"now": times.to_iso(status.now_ms)}
    return json_response(200, body, PUBLIC | headers)


@endpoint
def stats_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns/{id}/stats: how many admissions are in each state."""
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    status = wiring.redis_campaigns().status(campaign_id)
    issued, failed = wiring.mysql_queries().counts(campaign_id)
    oldest_pending_s = (
        0 if status.oldest_pending_ms is None else (status.now_ms - status.oldest_pending_ms) / 1000
    )
    return json_response(
        200,
        {
            "admitted": status.admitted,
            "pending": status.pending,
            "issued": issued,
            "failed": failed,
            "remaining": status.remaining,
            "oldest_pending_s": oldest_pending_s,
        },
    )
