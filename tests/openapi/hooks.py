"""What schemathesis cannot know: ids that exist, people who apply, and times in order.

Loaded by schemathesis in .venv-api; of this repository it imports what needs no package.
"""

from __future__ import annotations

import itertools
import json
import os
import zlib
from datetime import datetime
from typing import Any

import schemathesis

from handlers.domain.identifiers import is_campaign_id
from local.token import mint

SECRET = os.environ["AUTH_JWT_SECRET"]
IDS = os.environ["SEONCHAK_IDS"].split(",")
# They may call everything, so that the calls of operators are reached; and each one applies.
USERS = os.environ["SEONCHAK_USERS"].split(",")
TURNS = itertools.cycle([mint(SECRET, user, "coupon:admin") for user in USERS])
TIMES = ("opens_at", "closes_at")
OPEN = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z")


@schemathesis.auth(refresh_interval=None)
class TakingTurns:
    """Every request is another user's."""

    def get(self, case: Any, context: Any) -> str:
        return next(TURNS)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook  # type: ignore[untyped-decorator]
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Three of four valid ids become one that exists, most often the first.

    It depends on their text alone, so that a seed stays a seed.
    """
    found = str((path_parameters or {}).get("id"))
    if path_parameters and is_campaign_id(found):
        number = zlib.crc32(found.encode())
        if found not in IDS and number % 4:
            place = 0 if number % 2 else number // 4 % len(IDS)
            return path_parameters | {"id": IDS[place]}
    return path_parameters


@schemathesis.hook  # type: ignore[untyped-decorator]
def map_body(context: Any, body: Any) -> Any:
    """Two rules that no schema can say, and campaigns that are new and open.

    `closes_at` is later than `opens_at`. A whole number is written without a fraction: for JSON
    Schema 100.0 is an integer, and the service refuses it. Every second campaign is open.
    Three of four bodies have an id of their own: only what is created leads to other calls.
    """
    if not isinstance(body, dict):
        return body
    body = _without_fractions(body)
    try:
        times = [datetime.fromisoformat(body[name]) for name in TIMES]
        is_late = times[0] >= times[1]
    except (TypeError, KeyError, ValueError):  # not what the schema asks for: sent as it is
        return body
    number = zlib.crc32(json.dumps(body, sort_keys=True).encode())
    if number % 4 and is_campaign_id(found := body.get("id")):
        body |= {"id": f"{found[:40]}-{number:08x}"}
    return body | dict(zip(TIMES, OPEN, strict=True)) if is_late or number % 2 else body


def _without_fractions(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_fractions(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
