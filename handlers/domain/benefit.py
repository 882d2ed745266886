"""What a coupon is worth. The service only keeps and shows it; a shop acts on it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from handlers.domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_MAX = 2048
NOTE_LENGTH_MAX = 500
AMOUNT_MAX = 2**53 - 1  # every JSON parser reads whole numbers up to here exactly
PERCENT_MAX = 100
KINDS = ("percent", "amount", "gift")
MEMBERS = frozenset({"kind", "value", "currency", "minimum_order", "note", "metadata"})
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)  # ISO 4217
# Of a note: controls but the line feed, and lone surrogates, which UTF-8 cannot hold.
EXCLUDED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def benefit_text(value: object) -> str:
    """Return `benefit` of a request as JSON, names in order; raise InvalidRequestError."""
    if not isinstance(value, dict):
        _refuse("", "must be an object")
    for unknown in sorted(value.keys() - MEMBERS):
        _refuse("", f"{unknown[:64]!r} is no part of it")
    _check_worth(value)
    _check_note(value)
    if not isinstance(value.get("metadata", {}), dict):
        _refuse(".metadata", "must be an object")
    try:
        text = json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
        )
        size = len(text.encode())
    except (ValueError, RecursionError):
        _refuse("", "must be JSON that UTF-8 can hold")
    if size > BYTES_MAX:
        _refuse("", f"must have {BYTES_MAX} bytes of JSON at most, and has {size}")
    return text


def _check_worth(value: Mapping[str, Any]) -> None:
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        _refuse(".kind", f"must be one of {', '.join(KINDS)}")
    highest = PERCENT_MAX if kind == "percent" else AMOUNT_MAX
    is_needed = kind != "gift"
    if (is_needed or "value" in value) and not _is_number(value.get("value"), highest):
        _refuse(".value", f"must be a number above 0, {highest} at most")
    if "minimum_order" in value and not _is_number(value["minimum_order"], AMOUNT_MAX):
        _refuse(".minimum_order", f"must be a number above 0, {AMOUNT_MAX} at most")
    currency = value.get("currency")
    is_code = isinstance(currency, str) and CURRENCY.fullmatch(currency)
    if not is_code and (kind == "amount" or value.keys() & {"minimum_order", "currency"}):
        _refuse(".currency", "must be the three capitals of ISO 4217, e.g. KRW")


def _check_note(value: Mapping[str, Any]) -> None:
    if "note" not in value:
        return
    note = value["note"]
    if not isinstance(note, str) or not 0 < len(note) <= NOTE_LENGTH_MAX:
        _refuse(".note", f"must be text of 1 to {NOTE_LENGTH_MAX} characters")
    if excluded := EXCLUDED.search(note):
        _refuse(".note", f"must not contain the character U+{ord(excluded[0]):04X}")


def _is_number(value: object, highest: int) -> bool:
    # JSON may hold a number that Python reads as infinite; true is not a number here.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= highest  # type: ignore[operator]


def _refuse(member: str, what: str) -> NoReturn:
    message = f"benefit{member}: {what}"
    raise InvalidRequestError(message)
