"""Changes of a campaign over HTTP, and its end."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from handlers import operations, wiring
from handlers.domain.campaign import campaign_json
from handlers.domain.campaign_change import CampaignChange, changeable_json, is_same
from handlers.domain.errors import CampaignNotFoundError, PreconditionFailedError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.etag import expected_versions, version_header
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.domain.campaign import Campaign
    from handlers.edge.http.request import Request


@endpoint
def change_campaign_handler(request: Request) -> dict[str, Any]:
    """PATCH /campaigns/{id}: change a campaign that has the version of If-Match."""
    admin = wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    expected = expected_versions(request.headers)
    body = request.json_object()
    before = _stored(campaign_id)
    change = CampaignChange.from_request(body, uuid.uuid4().hex, admin.id, before.version)
    if expected is not None and before.version not in expected:
        raise PreconditionFailedError
    if is_same(change.applied(before), before):
        # Perhaps it was made a moment ago, and did not reach Redis.
        operations.completion().conform(campaign_id)
        return _response(_stored(campaign_id))
    after = operations.completion().carry_out(campaign_id, change)
    wiring.campaign_list().forget()
    return _response(after)


@endpoint
def archive_campaign_handler(request: Request) -> dict[str, Any]:
    """POST /campaigns/{id}/archive: a campaign that is over leaves Redis. May be repeated."""
    admin = wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    found = wiring.mysql_queries().campaign(campaign_id)
    if found is None:
        raise CampaignNotFoundError
    if found.archived:
        operations.redis_campaign_changes().forget(campaign_id)
    else:
        operations.completion().archive(campaign_id, admin.id)
    wiring.campaign_list().forget()
    return json_response(200, {**campaign_json(found), "archived": True})


def _stored(campaign_id: str) -> Campaign:
    found = wiring.mysql_queries().campaign(campaign_id)
    if found is None or found.archived:
        raise CampaignNotFoundError
    return found


def _response(campaign: Campaign) -> dict[str, Any]:
    return json_response(200, changeable_json(campaign), version_header(campaign.version))
