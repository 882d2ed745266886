"""GET /campaigns/{id}/challenge: the work that a campaign asks of an applicant's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.errors import NoChallengeError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.domain.rules import Rules
    from handlers.edge.http.request import Request


@endpoint
def challenge_handler(request: Request) -> dict[str, Any]:
    """Issue a challenge for this user and campaign; nothing of it is stored.

    Redis is asked only where this process does not know the campaign's rules.
    """
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id = request.campaign_id()
    rule = _rules(campaign_id).challenge
    if rule is None:
        raise NoChallengeError
    return json_response(200, wiring.challenges().issue(campaign_id, user.id, rule.max_number))


def _rules(campaign_id: str) -> Rules:
    known = wiring.screener().known
    rules = known.get(campaign_id)
    if rules is None or rules.challenge is None:
        rules = wiring.redis_campaigns().status(campaign_id).campaign.rules
        known.keep(campaign_id, rules)
    return rules
