"""The headers of responses, beside those that HTTP itself has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.edge.http.etag import OURS

if TYPE_CHECKING:
    from handlers.api.operation import Schema

HEADERS: dict[str, Schema] = {
    "Cache-Control": {
        "description": "How long a cache may keep the response; `no-store`: not at all.",
        "required": True,
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The version of the campaign, for `If-Match`. Of an answer that also shows "
        "how many coupons remain, the moment follows.",
        "required": True,
        "schema": {"type": "string", "pattern": f'^"{OURS.pattern}"$'},
    },
    "Retry-After": {
        "description": "Seconds after which the same request is worth sending again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    # For a status whose problems do not all have it.
    "Retry-After-Sometimes": {
        "description": "Seconds after which the same request is worth sending again, with some "
        "codes.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The way of signing in (RFC 6750).",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
}
