"""What schemathesis cannot know: ids that exist, people who call, and what no schema can say.

Loaded by schemathesis in .venv-api; of this repository it imports what needs no package.
Only the parts of a request that are right by the schema are changed: the wrong ones stay as they
are. A choice depends on the values and on what was created before, so that a seed stays a seed.
"""

from __future__ import annotations

import itertools
import json
import os
import zlib
from datetime import datetime
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation

from handlers.domain.identifiers import is_campaign_id
from local.token import mint

SECRET = os.environ["AUTH_JWT_SECRET"]
USERS = itertools.cycle(os.environ["SEONCHAK_USERS"].split(","))
TURNS = itertools.count()
# For each parameter: the values that exist, by the operation that takes them; "": any other.
VALUES: dict[str, dict[str, list[str]]] = json.loads(os.environ["SEONCHAK_VALUES"])
MADE: set[str] = set()  # ids of what the requests themselves have created
TIMES = ("opens_at", "closes_at")
OPEN = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2100-01-01T00:00:00Z"}
NOTE_LENGTH = 100  # with this, and without metadata, a benefit is never too large
KEPT = 4  # one value of so many stays as it is


@schemathesis.auth(refresh_interval=None)
class TakingTurns:
    """Every request is another user's, with one of the scopes that are enough for the call."""

    def get(self, case: Any, context: Any) -> str:
        enough = [one["bearer"] for one in case.operation.definition.raw.get("security") or ()]
        scopes = enough[next(TURNS) % len(enough)] if enough else []
        return mint(SECRET, next(USERS), " ".join(scopes))

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook  # type: ignore[untyped-decorator]
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember what was created: links lead to it."""
    if response.status_code == 201 and isinstance(found := response.json().get("id"), str):
        MADE.add(found)


@schemathesis.hook  # type: ignore[untyped-decorator]
def map_case(context: Any, case: Any) -> Any:
    """Let the right parts of a request name what exists, and be possible."""
    call = case.operation.definition.raw["operationId"]
    if _is_right(case, ParameterLocation.PATH) and case.path_parameters:
        case.path_parameters = _existing(call, case.path_parameters)
    if _is_right(case, ParameterLocation.QUERY) and case.query:
        case.query = _existing(call, case.query)
    if _is_right(case, ParameterLocation.HEADER) and case.headers:
        case.headers = _any_version(case.headers)
    if _is_right(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        case.body = _possible(call, case.body)
    return case


def _is_right(case: Any, where: ParameterLocation) -> bool:
    return case.meta is not None and not case.meta.is_negative_at(where)


def _existing(call: str, parameters: Any) -> dict[str, Any]:
    """Most values become one that exists, most often the first; not what was just created."""
    found = dict(parameters)
    for name, value in parameters.items():
        known = VALUES.get(name, {})
        values = known.get(call, known.get("", []))
        number = zlib.crc32(str(value).encode())
        # A place in a list has a meaning for the service alone: no schema can make one.
        if values and (name == "after" or (value not in MADE and number % KEPT)):
            found[name] = values[0 if number % 2 else number // KEPT % len(values)]
    return found


def _any_version(headers: Any) -> Any:
    """Most values of If-Match match any version: only these lead to a change."""
    if zlib.crc32(str(headers.get("If-Match")).encode()) % KEPT and "If-Match" in headers:
        return {**headers, "If-Match": "*"}
    return headers


def _possible(call: str, body: dict[str, Any]) -> dict[str, Any]:
    """Keep the rules of a body that no schema can say."""
    body = _without_fractions(body)
    if "order_id" in body:
        body |= _existing(call, {"order_id": body["order_id"]})
    if "url" in body:
        body |= {"url": "https://receiver.example/coupons"}
    if "description" in body:
        body |= {"description": "".join(one for one in body["description"] if one.isprintable())}
    if call == "createCampaign":
        return _with_terms(_new_campaign(body))
    if call == "changeCampaign" and body.keys() & OPEN.keys():
        # In order, whatever the campaign's times are.
        return body | OPEN | ({"closes_at": "now"} if body.get("closes_at") == "now" else {})
    return body


def _new_campaign(body: dict[str, Any]) -> dict[str, Any]:
    """`closes_at` is later than `opens_at`, and every second campaign is open.

    Three of four have an id of their own: only what is created leads to other calls.
    """
    opens_at, closes_at = (datetime.fromisoformat(body[name]) for name in TIMES)
    number = zlib.crc32(json.dumps(body, sort_keys=True).encode())
    if number % KEPT and is_campaign_id(found := body["id"]):
        body |= {"id": f"{found[:40]}-{number:08x}"}
    return body | OPEN if opens_at >= closes_at or number % 2 else body


def _with_terms(body: dict[str, Any]) -> dict[str, Any]:
    """Give a new campaign times and sums that fit together."""
    if "releases" in body:
        body |= {"releases": [{"at": body["opens_at"], "quantity": body["quantity"]}]}
    if "usable_until" in body:
        body |= {"usable_until": body["closes_at"]}
    if {"usable_from", "usable_until"} <= body.keys():
        body |= {"usable_from": body["opens_at"]}
    if "time_zone" in body:
        body |= {"time_zone": "Asia/Seoul"}
    if "benefit" in body:
        benefit = {name: one for name, one in body["benefit"].items() if name != "metadata"}
        if "note" in benefit:
            benefit["note"] = benefit["note"][:NOTE_LENGTH]
        body |= {"benefit": benefit}
    return body


def _without_fractions(value: Any) -> Any:
    """Write a whole number without a fraction: JSON Schema takes 100.0 for one, the service not."""
    if isinstance(value, dict):
        return {name: _without_fractions(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
