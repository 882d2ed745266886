"""The schemas of single values, and of the parameters in paths; their bounds are the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.campaign_name import NAME_LENGTH_MAX
from handlers.domain.coupon_state import CouponState
from handlers.domain.identifiers import CAMPAIGN_ID, COUPON_CODE, ORDER_ID, USER_ID
from handlers.domain.webhook import WEBHOOK_ID
from handlers.webhook_deliveries import EVENT_ID

if TYPE_CHECKING:
    from enum import StrEnum

    from handlers.api.operation import Schema

ID_MAX = 2**63 - 1


def _whole_text(pattern: str) -> str:
    """Return a pattern that the whole text must match, as JSON Schema writes it."""
    return f"^{pattern}$"


CAMPAIGN: Schema = {
    "type": "string",
    "pattern": _whole_text(CAMPAIGN_ID.pattern),
    "minLength": 1,
    "maxLength": 63,
    "description": "A campaign's id.",
}
USER: Schema = {
    "type": "string",
    "pattern": _whole_text(USER_ID.pattern),
    "minLength": 1,
    "maxLength": 64,
    "description": "A user's id: the `sub` of the token.",
}
SERIAL: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": SERIAL_MAX,
    "description": "The place among those who were accepted: 1 was the first.",
}
CODE: Schema = {
    "type": "string",
    "pattern": _whole_text(COUPON_CODE.pattern),
    "description": "The coupon's code: Crockford base32, which cannot be guessed.",
}
ORDER: Schema = {
    "type": "string",
    "pattern": _whole_text(ORDER_ID.pattern),
    "minLength": 1,
    "maxLength": 64,
    "description": "A shop's order.",
}
# Of an answer: what an operator writes into the database by hand may look otherwise.
ORDER_SHOWN: Schema = {"type": "string", "maxLength": 64}
WEBHOOK: Schema = {
    "type": "string",
    "pattern": _whole_text(WEBHOOK_ID.pattern),
    "description": "A webhook's id.",
}
EVENT: Schema = {
    "type": "string",
    "pattern": _whole_text(EVENT_ID.pattern),
    "description": "An event's id, which is always the same for the same event: `webhook-id` in "
    "the request to the receiver.",
}
# As handlers/domain/campaign_name.py, for characters of the first plane: a pattern that every
# engine reads cannot name the others that it excludes, the noncharacters of the other planes.
_NEVER = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
_BLANK = r" \u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\u00ad\u061c\ufeff"
LINE: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": NAME_LENGTH_MAX,
    "pattern": f"^[^{_NEVER}]*[^{_NEVER}{_BLANK}][^{_NEVER}]*$",
    "description": "Any text of one line that is not only white space.",
}
TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
    "description": "A time in UTC with milliseconds.",
}
# A time of a request may have any offset; the years are those that every clock and server knows.
TIME_GIVEN: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})-",
    "description": "A time with Z or an offset, of the years 1970 to 9999.",
}

PATH_PARAMETERS: dict[str, Schema] = {
    "id": {"description": "The campaign's id.", "schema": CAMPAIGN, "example": "welcome"},
    "code": {"description": "The coupon's code.", "schema": CODE, "example": "4TB0S5XKQ9H2M7ZC"},
    "order_id": {"description": "The shop's order.", "schema": ORDER, "example": "order-1001"},
    "user_id": {"description": "The user's id.", "schema": USER, "example": "user-42"},
    "webhook": {
        "description": "The webhook's id.",
        "schema": WEBHOOK,
        "example": "wh_0f6c2e1b9a7d4853e0c1f2a3",
    },
    "event": {
        "description": "The event's id.",
        "schema": EVENT,
        "example": "coupon_redeemed:welcome:7:31",
    },
    "version": {
        "description": "The version of the pages' files.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "example": "0123456789abcdef",
    },
    "folder": {
        "description": "The page that it belongs to.",
        "schema": {"type": "string"},
        "example": "shared",
    },
    "file": {"description": "Its name.", "schema": {"type": "string"}, "example": "base.css"},
}


def nullable(schema: Schema, description: str) -> Schema:
    """Return the schema of a value that may be null, and say when."""
    found = {**schema, "type": [schema["type"], "null"], "description": description}
    return found | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def optional_ref(schema: Schema, description: str) -> Schema:
    """Return the schema of an object of the document that may be null, and say when."""
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def count(description: str) -> Schema:
    """Return the schema of a number of things."""
    return {"type": "integer", "minimum": 0, "description": description}


def whole(lowest: int, highest: int, default: int) -> Schema:
    """Return the schema of a whole number in the query."""
    return {"type": "integer", "minimum": lowest, "maximum": highest, "default": default}


def one_of(values: type[StrEnum], description: str) -> Schema:
    """Return the schema of a text that is one of an enumeration."""
    return {"type": "string", "enum": [value.value for value in values], "description": description}


STATE = one_of(CouponState, "The state of the coupon at this moment.")
BENEFIT_OR_NULL = optional_ref(
    {"$ref": "#/components/schemas/Benefit"}, "What it is worth; null where the campaign says none."
)
USABLE_FROM = nullable(TIME, "The first moment at which it can be used; null: no such limit.")
USABLE_UNTIL = nullable(TIME, "The first moment at which it has expired; null: it does not.")
