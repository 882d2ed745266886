"""What was sent to a webhook, and sending it once more, over HTTP for an administrator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handlers import webhook_clients, wiring
from handlers.domain import times
from handlers.domain.errors import DeliveryNotFoundError, InvalidRequestError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response
from handlers.edge.http.webhook_path import webhook_of

if TYPE_CHECKING:
    from handlers.edge.http.request import Request

LIMIT_DEFAULT, LIMIT_MAX = 100, 1000
# Of one call; the next one goes on with the rest.
REPLAY_MAX = 10_000
EVENT_ID = re.compile(r"[a-z_]{1,40}:[a-z0-9-]{1,63}(:[0-9]{1,20}){0,2}", re.ASCII)
STATUSES = ("PENDING", "DELIVERED", "DEAD")
TIMES = ("occurred_at", "created_at", "next_attempt_at", "expires_at", "delivered_at")


@endpoint
def webhook_deliveries_handler(request: Request) -> dict[str, Any]:
    """GET /webhooks/{webhook}/deliveries: a page, the newest first; filter: status."""
    wiring.authenticator().require_admin(request.headers)
    which = webhook_of(request)
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    status = request.choice("status", STATUSES)
    after = request.query.get("after")
    if after is not None and not EVENT_ID.fullmatch(after):
        message = "after: must be the event_id of a delivery"
        raise InvalidRequestError(message)
    found = webhook_clients.delivery_log().page(which, after, status, limit)
    following = found[-1]["event_id"] if len(found) == limit else None
    page = [_json(row) for row in found]
    return json_response(200, {"deliveries": page, "next_after": following})


@endpoint
def replay_delivery_handler(request: Request) -> dict[str, Any]:
    """POST /webhooks/{webhook}/deliveries/{event}/replay: one event, whatever became of it."""
    wiring.authenticator().require_admin(request.headers)
    which, event_id = webhook_of(request), request.path.get("event") or ""
    if not EVENT_ID.fullmatch(event_id):
        raise DeliveryNotFoundError
    webhook_clients.delivery_log().replay(which, event_id)
    return json_response(202, {"replayed": 1})


@endpoint
def replay_failed_handler(request: Request) -> dict[str, Any]:
    """POST /webhooks/{webhook}/replay {"since"}: everything since then that did not arrive."""
    wiring.authenticator().require_admin(request.headers)
    which = webhook_of(request)
    since_ms = _since(request.json_object())
    replayed = webhook_clients.delivery_log().replay_failed(which, since_ms, REPLAY_MAX)
    request.log_fields["replayed"] = replayed
    more = replayed == REPLAY_MAX
    return json_response(202, {"replayed": replayed, "more": more})


def _since(body: dict[str, Any]) -> int:
    message = "body: must have since, and only that: a time in ISO 8601 with Z or an offset"
    if body.keys() != {"since"} or not isinstance(body["since"], str):
        raise InvalidRequestError(message)
    try:
        return times.from_iso(body["since"])
    except ValueError as error:
        raise InvalidRequestError(message) from error


def _json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its times as ISO 8601."""
    return row | {
        name: None if row[name] is None else times.to_iso(times.from_datetime(row[name]))
        for name in TIMES
    }
