"""The schemas of single values, and of the parameters in paths; their bounds are the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.campaign import QUANTITY_MAX
from handlers.domain.identifiers import CAMPAIGN_ID, USER_ID

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
    "maximum": QUANTITY_MAX,
    "description": "The place among those who were accepted: 1 was the first.",
}
CODE: Schema = {
    "type": "string",
    "pattern": "^[0-9A-HJKMNP-TV-Z]{16}$",
    "description": "The coupon's code: Crockford base32, which cannot be guessed.",
}
TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
    "description": "A time in UTC with milliseconds.",
}

PATH_PARAMETERS: dict[str, Schema] = {
    "id": {"description": "The campaign's id.", "schema": CAMPAIGN, "example": "welcome"},
}


def nullable(schema: Schema, description: str) -> Schema:
    """Return the schema of a value that may be null, and say when."""
    return {**schema, "type": [schema["type"], "null"], "description": description}


def count(description: str) -> Schema:
    """Return the schema of a number of things."""
    return {"type": "integer", "minimum": 0, "description": description}


def whole(lowest: int, highest: int, default: int) -> Schema:
    """Return the schema of a whole number in the query."""
    return {"type": "integer", "minimum": lowest, "maximum": highest, "default": default}


def one_of(values: type[StrEnum], description: str) -> Schema:
    """Return the schema of a text that is one of an enumeration."""
    return {"type": "string", "enum": [value.value for value in values], "description": description}
