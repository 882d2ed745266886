"""GET /failed-events: the records that could not be written, for an administrator."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain import times
from handlers.domain.errors import InvalidRequestError
from handlers.domain.identifiers import is_campaign_id, is_user_id
from handlers.domain.record import FailedStatus, Reason
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from handlers.edge.http.request import Request

# Records of this system hold 150 bytes.
LIMIT_MAX = 1000
# Other records may hold a megabyte, and a Lambda response 6 MB: a page ends with the record that
# reaches this. It grows by a third in base64.
PAGE_BYTES_MAX = 3_000_000
LIMIT_DEFAULT = 100
ID_MAX = 2**63 - 1
TIMES = ("next_attempt_at", "created_at", "updated_at")
BYTES = ("record_key", "payload")


@endpoint
def failed_events_handler(request: Request) -> dict[str, Any]:
    """List failed events by id; filters: status, reason, campaign_id, user_id."""
    wiring.authenticator().require_admin(request.headers)
    limit = request.number("limit", LIMIT_DEFAULT, 1, LIMIT_MAX)
    events = wiring.mysql_queries().failed_events(
        {
            "after": request.number("after", 0, 0, ID_MAX),
            "limit": limit,
            "bytes_max": PAGE_BYTES_MAX,
            "status": request.choice("status", FailedStatus),
            "reason": request.choice("reason", Reason),
            "campaign_id": _checked("campaign_id", request.query, is_campaign_id),
            "user_id": _checked("user_id", request.query, is_user_id),
        }
    )
    is_full = len(events) == limit or _size(events) >= PAGE_BYTES_MAX
    following = events[-1]["id"] if is_full else None
    return json_response(
        200, {"failed_events": [_json(e) for e in events], "next_after": following}
    )


def _checked(name: str, query: Mapping[str, str], is_right: Callable[[object], bool]) -> str | None:
    value = query.get(name)
    if value is None or is_right(value):
        return value
    message = f"{name}: nothing has such an id"
    raise InvalidRequestError(message)


def _size(events: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(event[name] or b"") for event in events for name in BYTES)


def _json(event: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its bytes as base64 and its times as ISO 8601."""
    row = dict(event)
    for name in BYTES:
        row[name] = None if row[name] is None else base64.b64encode(row[name]).decode()
    for name in TIMES:
        row[name] = times.to_iso(times.from_datetime(row[name]))
    return row
