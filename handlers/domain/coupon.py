"""A coupon's message on its way through Kafka, and the code that its owner gets."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.domain import identifiers, times

if TYPE_CHECKING:
    from collections.abc import Iterable

MESSAGE_VERSION = 1
FLAW = "{}: missing, malformed or unknown"
CODE_BYTES = 10  # 80 bits are 16 characters of base32, and far beyond guessing
# Douglas Crockford's base32 (https://www.crockford.com/base32.html): no I, L, O, U to misread.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters at a time: a batch makes thousands of codes.
PAIRS = tuple(first + second for first in CROCKFORD for second in CROCKFORD)
PAIR_BITS = 10
PAIR_MASK = (1 << PAIR_BITS) - 1
PAIR_SHIFTS = tuple(range(CODE_BYTES * 8 - PAIR_BITS, -1, -PAIR_BITS))


class UndecodableError(ValueError):
    """The bytes are no coupon message of a version that we know."""


@dataclass(frozen=True, slots=True)
class CouponAccepted:
    """Somebody was accepted: the value of a record in the topic."""

    campaign_id: str
    user_id: str
    serial: int
    admitted_at_ms: int

    def encode(self) -> bytes:
        """Return the record's value, UTF-8 JSON."""
        return json.dumps(
            {
                "v": MESSAGE_VERSION,
                "campaign_id": self.campaign_id,
                "user_id": self.user_id,
                "serial": self.serial,
                "admitted_at": times.to_iso(self.admitted_at_ms),
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def decode(cls, value: bytes | None) -> CouponAccepted:
        """Parse a record's value; raise UndecodableError saying what is wrong with it."""
        message = _json_object(value)
        version, serial = message.get("v"), message.get("serial")
        campaign_id, user_id = message.get("campaign_id"), message.get("user_id")
        admitted_at_ms = _time(message.get("admitted_at"))
        # bool is a kind of int to Python and not to us.
        if type(version) is not int or version != MESSAGE_VERSION:
            raise UndecodableError(FLAW.format("v"))
        if not identifiers.is_campaign_id(campaign_id):
            raise UndecodableError(FLAW.format("campaign_id"))
        if not identifiers.is_user_id(user_id):
            raise UndecodableError(FLAW.format("user_id"))
        if type(serial) is not int:
            raise UndecodableError(FLAW.format("serial"))
        if admitted_at_ms is None:
            raise UndecodableError(FLAW.format("admitted_at"))
        return cls(message["campaign_id"], message["user_id"], serial, admitted_at_ms)


def decoded(values: Iterable[bytes | None]) -> list[CouponAccepted]:
    """Return the messages among `values`; what is none is passed over."""
    found = []
    for value in values:
        try:
            found.append(CouponAccepted.decode(value))
        except UndecodableError:
            continue  # poison, which the consumer keeps in failed_event
    return found


def _time(value: object) -> int | None:
    try:
        return times.from_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _json_object(value: bytes | None) -> dict[str, Any]:
    if value is None:
        message = "the record has no value"
        raise UndecodableError(message)
    try:
        parsed = json.loads(value.decode())
    except (ValueError, RecursionError) as error:
        message = "the value is no UTF-8 JSON"
        raise UndecodableError(message) from error
    if not isinstance(parsed, dict):
        message = "the value is no JSON object"
        raise UndecodableError(message)
    return parsed


def coupon_code(secret: bytes, campaign_id: str, user_id: str) -> str:
    """Return 16 characters of Crockford base32 from HMAC-SHA256(secret, "campaign:user").

    The same owner always gets the same code, so a redelivery changes nothing; without the
    secret nobody can guess one. A campaign id holds no ":", so no two owners share an input.
    """
    digest = hmac.digest(secret, f"{campaign_id}:{user_id}".encode(), hashlib.sha256)
    bits = int.from_bytes(digest[:CODE_BYTES])
    return "".join([PAIRS[bits >> shift & PAIR_MASK] for shift in PAIR_SHIFTS])
