"""GET /campaigns/{id}/report: how coupons were given and used, for an administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import operations, wiring
from handlers.domain import times
from handlers.domain.campaign import QUANTITY_MAX
from handlers.domain.errors import UnavailableError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.domain.campaign_report import CampaignReport
    from handlers.domain.refusal_counts import Refusals
    from handlers.edge.http.request import Request

# MySQL counts some hundred thousand coupons in a second, and a caller waits.
SERIALS_MAX = 1_000_000


@endpoint
def report_handler(request: Request) -> dict[str, Any]:
    """Count the coupons of SERIALS_MAX serials at most; `next_after` says where the rest begins."""
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    after = request.number("after", 0, 0, 2 * QUANTITY_MAX)
    report = operations.report_reader().report(campaign_id, after, SERIALS_MAX)
    return json_response(200, report_json(campaign_id, report, refusals_of(campaign_id)))


def report_json(
    campaign_id: str, report: CampaignReport, refusals: Refusals | None
) -> dict[str, Any]:
    """Return a report in the form of the HTTP interface; `refusals` is null where unknown."""
    counted = None
    if refusals:
        since_ms = refusals.since_ms
        counted = {
            "since": None if since_ms is None else times.to_iso(since_ms),
            "by_reason": dict(refusals.by_reason),
        }
    return {"campaign_id": campaign_id, **report.to_json(), "refusals": counted}


def refusals_of(campaign_id: str) -> Refusals | None:
    """Return the sums of a campaign; None where Redis does not respond."""
    try:
        return operations.refusal_store().of(campaign_id)
    except UnavailableError:
        return None
