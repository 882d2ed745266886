"""A coupon's message on its way through Kafka, and the code that its owner gets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.domain import identifiers, times

if TYPE_CHECKING:
    from collections.abc import Iterable

MESSAGE_VERSION = 1
CODE_BYTES = 10  # 80 bits are 16 characters of base32, and far beyond guessing
RFC4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Douglas Crockford's base32 (https://www.crockford.com/base32.html): no I, L, O, U to misread.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TO_CROCKFORD = str.maketrans(RFC4648, CROCKFORD)


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
        checks = {
            "v": _is_int(message.get("v")) and message["v"] == MESSAGE_VERSION,
            "campaign_id": identifiers.is_campaign_id(message.get("campaign_id")),
            "user_id": identifiers.is_user_id(message.get("user_id")),
            "serial": _is_int(message.get("serial")),
            "admitted_at": _is_time(message.get("admitted_at")),
        }
        for field, is_right in checks.items():
            if not is_right:
                flaw = f"{field}: missing, malformed or unknown"
                raise UndecodableError(flaw)
        return cls(
            message["campaign_id"],
            message["user_id"],
            message["serial"],
            times.from_iso(message["admitted_at"]),
        )


def decoded(values: Iterable[bytes | None]) -> list[CouponAccepted]:
    """Return the messages among `values`; what is none is passed over."""
    found = []
    for value in values:
        try:
            found.append(CouponAccepted.decode(value))
        except UndecodableError:
            continue  # poison, which the consumer keeps in failed_event
    return found


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    try:
        times.from_iso(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        return False
    return True


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
    return base64.b32encode(digest[:CODE_BYTES]).decode().translate(TO_CROCKFORD)
