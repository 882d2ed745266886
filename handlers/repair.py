"""POST /campaigns/{id}/repair: what a comparison finds is repaired, as far as the API can."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, operations, wiring
from handlers.domain.attempts import Attempts
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.reconciliation.differences import Kind
from handlers.domain.reconciliation.repair import repair
from handlers.edge.deadline import Deadline
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response
from handlers.reconcile import RECONCILE_NOW_S, STEP_MS, compare

if TYPE_CHECKING:
    from handlers.edge.http.request import Request


@endpoint
def repair_handler(request: Request) -> dict[str, Any]:
    """Compare, and repair what is safe while users apply; return both by kind. May be repeated.

    Serials that no user holds are not given back: that needs the topic, which the API does not
    read. The program `local.reconcile --repair` and the rebuild do it.
    next_after: where the next call continues (?after=) when there was no time for all serials.
    """
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    after = request.number("after", 0, 0, SERIAL_MAX)
    deadline = Deadline.after(RECONCILE_NOW_S)
    complete_returns(campaign_id)
    reconciler = compare(campaign_id, after, has_time=lambda: deadline.allows(STEP_MS))
    found, repaired = Counter[Kind](), Counter[Kind]()
    for batch in reconciler.differences():
        found.update(difference.kind for difference in batch)
        repaired += repair(
            campaign_id, batch, wiring.admissions().settle, operations.admission_reader()
        )
    request.log_fields.update(differences=found.total(), repaired=repaired.total())
    return json_response(
        200,
        {
            "campaign_id": campaign_id,
            "counts": {kind: found[kind] for kind in Kind},
            "repaired": {kind: repaired[kind] for kind in Kind},
            "truncated": not reconciler.complete,
            "next_after": reconciler.next_after,
        },
    )


def complete_returns(campaign_id: str) -> None:
    """Let Redis know of the places that MySQL has returned; the scheduled rebuild does it, too."""
    campaign = wiring.mysql_queries().campaign(campaign_id)
    if campaign and not campaign.archived:
        coupon_clients.place_returner().complete_all([campaign], Attempts(goes_on=False))
