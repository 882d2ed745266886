"""GET /campaigns/{id}/events: what happened to a campaign and its coupons, for an administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import fast_json, operations, wiring
from handlers.domain import times
from handlers.domain.event_position import FIRST, EventPosition
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.adapters.mysql.event_list import ListedEvent
    from handlers.edge.http.request import Request

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000
# A Lambda response holds 6 MB. An event takes some 200 bytes of it, one with a campaign's fields
# before and after several kilobytes: a page ends with the event that reaches this.
PAGE_BYTES_MAX = 3_000_000

_encode = fast_json.encoder(compact=True)


@endpoint
def events_handler(request: Request) -> dict[str, Any]:
    """List events in order. `recent` are those among which others may still come."""
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    text = request.query.get("after")
    after = FIRST if text is None else EventPosition.parse(text)
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    page = operations.event_list().page(campaign_id, after, limit)
    settled = _within(page.settled, PAGE_BYTES_MAX)
    is_cut = len(settled) < len(page.settled)
    more = is_cut or len(settled) == limit
    return json_response(
        200,
        {
            "events": settled,
            "next_after": settled[-1]["id"] if settled else str(after),
            "more": more,
            "settled_until": times.to_iso(max(0, page.settled_until_ms)),
            "recent": [] if more else _within(page.recent, PAGE_BYTES_MAX),
        },
    )


def _within(events: Sequence[ListedEvent], bytes_max: int) -> list[dict[str, Any]]:
    """Return the first events as JSON objects, up to the one that reaches `bytes_max`."""
    found: list[dict[str, Any]] = []
    size = 0
    for event in events:
        if size >= bytes_max:
            break
        found.append(event_json(event))
        size += len(_encode(found[-1]))
    return found


def event_json(event: ListedEvent) -> dict[str, Any]:
    """Return an event in the form of the HTTP interface."""
    return {
        "id": str(event.position),
        "at": times.to_iso(event.position.at_ms),
        "kind": event.kind,
        "serial": event.serial,
        "actor": event.actor,
        "order_id": event.order_id,
        "reason": event.reason,
        "detail": event.detail,
    }
