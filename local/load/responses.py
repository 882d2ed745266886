"""What one call was answered with, and whether the interface promises such an answer."""

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
# Whoever is told one of these waits as long as Retry-After says, and asks again.
NOT_OPEN, BUSY, UNAVAILABLE = "409 NOT_OPEN", "429 TOO_MANY_REQUESTS", "503 UNAVAILABLE"
PATIENCE = frozenset({NOT_OPEN, BUSY, UNAVAILABLE})


class Endpoint(StrEnum):
    """What people do, by the name that it has in every report."""

    CAMPAIGN = "GET /campaigns/{id}"
    APPLY = "POST /campaigns/{id}/apply"
    COUPON = "GET /campaigns/{id}/coupon"


class ResponseKind(Enum):
    """What an answer is good for."""

    ANSWERED = auto()
    RETRY = auto()  # none came, or it asks to wait
    WRONG = auto()  # nobody should get it


class RawResponse(NamedTuple):
    """What came over the connection."""

    at_s: float  # since 1970
    status: int
    headers: Mapping[str, str]  # finds a name in any case
    body: bytes
    error: str = ""  # why there is none, where `status` is NO_RESPONSE


@dataclass(frozen=True, slots=True)
class ParsedResponse:
    """The same, understood."""

    at_s: float
    sort: ResponseKind
    outcome: str  # for a press one of EXPECTED; else a state, or a few words
    status: int = NO_RESPONSE
    wait_s: float | None = None  # Retry-After, or for how long the page stays as it is
    opens_at_s: float | None = None
    serial: int | None = None
    code: str | None = None


def read(call: Endpoint, reply: RawResponse, campaign_id: str, user: str) -> ParsedResponse:
    """Understand the answer to one call; whatever it is, this raises nothing."""
    if reply.status == NO_RESPONSE:
        return ParsedResponse(reply.at_s, ResponseKind.RETRY, f"no answer ({reply.error})")
    fields = json_object(reply.body)
    told = f"{reply.status} {fields.get('code')}"
    if told in PATIENCE and (told != NOT_OPEN or call is Endpoint.APPLY):
        return _told_to_wait(reply, told)
    if call is Endpoint.APPLY:
        outcome, serial = parse_response(reply.status, reply.body, campaign_id, user)
        sort = ResponseKind.ANSWERED if outcome in EXPECTED else ResponseKind.WRONG
        return ParsedResponse(reply.at_s, sort, outcome, reply.status, serial=serial)
    if reply.status != OK:
        return _wrong(reply, fields)
    if call is Endpoint.COUPON:
        return _coupon(reply, fields)
    return _page(reply, fields, campaign_id)


def _told_to_wait(reply: RawResponse, told: str) -> ParsedResponse:
    retry_after = reply.headers.get("Retry-After") or ""
    if not retry_after.isdecimal():
        return ParsedResponse(
            reply.at_s, ResponseKind.WRONG, f"{told} without Retry-After", reply.status
        )
    return ParsedResponse(
        reply.at_s, ResponseKind.RETRY, told, reply.status, wait_s=float(retry_after)
    )


def _page(reply: RawResponse, fields: dict[str, Any], campaign_id: str) -> ParsedResponse:
    fresh = re.search(r"max-age=(\d+)", reply.headers.get("Cache-Control") or "")
    try:
        opens_at_s = times.from_iso(str(fields.get("opens_at"))) / 1000
    except (ValueError, OverflowError):
        return _wrong(reply, fields)
    state, status = str(fields.get("state")), reply.status
    if not fresh or fields.get("id") != campaign_id or state not in STATES:
        return _wrong(reply, fields)
    wait_s = float(fresh[1])
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
