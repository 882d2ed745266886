"""The response to an applicant, from Redis's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain import metrics
from handlers.domain.admission import Admission, Outcome
from handlers.domain.errors import CampaignNotFoundError, StaleStateError
from handlers.domain.refusal_counts import REFUSALS
from handlers.edge.http.response import json_response, problem

if TYPE_CHECKING:
    from handlers.edge.http.endpoint import Response

REJECTIONS = {
    Outcome.SOLD_OUT: "All coupons of this campaign are gone.",
    Outcome.NOT_OPEN: "This campaign has not opened yet.",
    Outcome.NEXT_RELEASE: "All coupons that were released are gone; more follow.",
    Outcome.PAUSED: "This campaign is paused.",
    Outcome.CLOSED: "This campaign is over.",
    Outcome.TOO_MANY_REQUESTS: "Too many requests of yours or of your address; slow down.",
}

# How a rejection is counted: made once, of plain text, which is hashed at once.
COUNTED = {outcome: ("POST", "/campaigns/{id}/apply", outcome.value) for outcome in REJECTIONS}


def admission_response(
    request_id: str, campaign_id: str, user_id: str, admission: Admission
) -> Response:
    """Return the response; raise the error that NOT_FOUND and STALE are for a client."""
    outcome = admission.outcome
    if outcome in (Outcome.ACCEPTED, Outcome.ALREADY_APPLIED):
        body = {
            "campaign_id": campaign_id,
            "user_id": user_id,
            "outcome": outcome,
            "serial": admission.serial,
        }
        return json_response(202 if outcome is Outcome.ACCEPTED else 200, body)
    if outcome is Outcome.NOT_FOUND:
        raise CampaignNotFoundError
    if outcome is Outcome.STALE:
        raise StaleStateError
    return rejection_response(request_id, campaign_id, admission)


def rejection_response(request_id: str, campaign_id: str, admission: Admission) -> Response:
    """Return the response to an applicant who gets no coupon, at least not now; count it."""
    outcome = admission.outcome
    REFUSALS.count(campaign_id, outcome)
    retry_in_s = -(-admission.retry_in_ms // 1000)  # rounded up: not a moment too early
    return problem(outcome, REJECTIONS[outcome], request_id, retry_after_s=retry_in_s or None)


def cached_rejection(request_id: str, campaign_id: str, admission: Admission) -> Response:
    """Return the response of the fast path, which no scope counts and logs."""
    metrics.REQUESTS.inc(COUNTED[admission.outcome])
    return rejection_response(request_id, campaign_id, admission)
