"""Checks of a request's fields; each raises InvalidRequestError that names the field."""

from __future__ import annotations

from handlers.domain import times
from handlers.domain.errors import InvalidRequestError


def whole(name: str, value: object, lowest: int, highest: int) -> int:
    """Return a whole number from `lowest` to `highest`."""
    # bool is a subclass of int, and true is not a number.
    if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
        return value
    message = f"{name}: must be a whole number from {lowest} to {highest}"
    raise InvalidRequestError(message)


def time_ms(name: str, value: object) -> int:
    """Return a time in ms."""
    try:
        return times.from_iso(value) if isinstance(value, str) else times.from_iso("")
    except (ValueError, OverflowError) as error:
        message = f"{name}: must be ISO 8601 with Z or an offset, e.g. 2026-11-22T03:00:00Z"
        raise InvalidRequestError(message) from error
