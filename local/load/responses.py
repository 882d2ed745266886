"""The response to one request, and whether the interface promises such a response."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.domain import times
from local.harness.responses import EXPECTED, NO_RESPONSE, json_object, parse_response

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = 200
STATES = frozenset({"SCHEDULED", "OPEN", "SOLD_OUT", "CLOSED"})
PENDING, ISSUED, FAILED = "PENDING", "ISSUED", "FAILED"
# A user who gets one of these waits as long as Retry-After says, and retries.
NOT_OPEN, BUSY, UNAVAILABLE = "409 NOT_OPEN", "429 TOO_MANY_REQUESTS", "503 UNAVAILABLE"
RETRY_OUTCOMES = frozenset({NOT_OPEN, BUSY, UNAVAILABLE})


class Endpoint(StrEnum):
    """The requests of users, by their names in all reports."""

    CAMPAIGN = "GET /campaigns/{id}"
    APPLY = "POST /campaigns/{id}/apply"
    COUPON = "GET /campaigns/{id}/coupon"


class ResponseKind(Enum):
    """What the user does with a response."""

    ANSWERED = auto()
    RETRY = auto()  # no response came, or it asks to wait
    WRONG = auto()  # no user should get it


class RawResponse(NamedTuple):
    """The response as it came over the connection."""

    at_s: float  # since 1970
    status: int
    headers: Mapping[str, str]  # a lookup ignores case
    body: bytes
    error: str = ""  # why no response came, where `status` is NO_RESPONSE


@dataclass(frozen=True, slots=True)
class ParsedResponse:
    """The same response, parsed."""

    at_s: float
    sort: ResponseKind
    outcome: str  # for an apply one of EXPECTED; else a state, or a few words
    status: int = NO_RESPONSE
    wait_s: float | None = None  # Retry-After, or the max-age of the page
    opens_at_s: float | None = None
    serial: int | None = None
    code: str | None = None


def read(call: Endpoint, reply: RawResponse, campaign_id: str, user: str) -> ParsedResponse:
    """Parse the response to one request; this raises nothing for any response."""
    if reply.status == NO_RESPONSE:
        return ParsedResponse(reply.at_s, ResponseKind.RETRY, f"no answer ({reply.error})")
    fields = json_object(reply.body)
    outcome = f"{reply.status} {fields.get('code')}"
    if outcome in RETRY_OUTCOMES and (outcome != NOT_OPEN or call is Endpoint.APPLY):
        return _retry(reply, outcome)
    if call is Endpoint.APPLY:
        outcome, serial = parse_response(reply.status, reply.body, campaign_id, user)
        sort = ResponseKind.ANSWERED if outcome in EXPECTED else ResponseKind.WRONG
        return ParsedResponse(reply.at_s, sort, outcome, reply.status, serial=serial)
    if reply.status != OK:
        return _wrong(reply, fields)
    if call is Endpoint.COUPON:
        return _coupon(reply, fields)
    return _page(reply, fields, campaign_id)


def _retry(reply: RawResponse, outcome: str) -> ParsedResponse:
    retry_after = reply.headers.get("Retry-After") or ""
    if not retry_after.isdecimal():
        return ParsedResponse(
            reply.at_s, ResponseKind.WRONG, f"{outcome} without Retry-After", reply.status
        )
    return ParsedResponse(
        reply.at_s, ResponseKind.RETRY, outcome, reply.status, wait_s=float(retry_after)
    )


def _page(reply: RawResponse, fields: dict[str, Any], campaign_id: str) -> ParsedResponse:
    max_age = re.search(r"max-age=(\d+)", reply.headers.get("Cache-Control") or "")
    try:
        opens_at_s = times.from_iso(str(fields.get("opens_at"))) / 1000
    except (ValueError, OverflowError):
        return _wrong(reply, fields)
    state, status = str(fields.get("state")), reply.status
    if not max_age or fields.get("id") != campaign_id or state not in STATES:
        return _wrong(reply, fields)
    wait_s = float(max_age[1])
    return ParsedResponse(
        reply.at_s, ResponseKind.ANSWERED, state, status, wait_s=wait_s, opens_at_s=opens_at_s
    )


def _coupon(reply: RawResponse, fields: dict[str, Any]) -> ParsedResponse:
    state, serial, code = str(fields.get("status")), fields.get("serial"), fields.get("code")
    has_code = isinstance(code, str) and bool(code)
    if type(serial) is not int or state not in {PENDING, ISSUED, FAILED}:
        return _wrong(reply, fields)
    if has_code is not (state == ISSUED):
        return _wrong(reply, fields)
    return ParsedResponse(
        reply.at_s, ResponseKind.ANSWERED, state, reply.status, serial=serial, code=code
    )


def _wrong(reply: RawResponse, fields: dict[str, Any]) -> ParsedResponse:
    about = fields.get("code") or fields.get("status") or "not as promised"
    return ParsedResponse(reply.at_s, ResponseKind.WRONG, f"{reply.status} {about}", reply.status)
