"""The message about an accepted coupon that goes through Kafka."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers import fast_json as json_text
from handlers.domain import identifiers, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MESSAGE_VERSION = 1
FENCE_MAX = 2**32 - 1  # the column's
_encode = json_text.encoder(compact=True)
FLAW = "{}: missing, malformed or unknown"
# Exactly what `encode` writes, for a serial that some campaign may have. A match is valid in all
# parts; the expression costs a third of parsing JSON. Everything else is parsed as JSON.
OWN_FORM = re.compile(
    rf'\{{"v":{MESSAGE_VERSION},'
    rf'"campaign_id":"({identifiers.CAMPAIGN_ID.pattern})",'
    r'"user_id":"([!#-\[\]-~]{1,64})",'  # without the characters that JSON escapes: " and \
    r'"serial":([1-9][0-9]{0,9}),'
    r'"admitted_at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2})'
    r'\.([0-9]{3})Z"'
    r'(?:,"fence":([1-9][0-9]{0,8}))?\}'
)
# The same, of as many messages as a text has lines.
OWN_LINES = re.compile(f"^{OWN_FORM.pattern}$", re.MULTILINE)


class UndecodableError(ValueError):
    """The bytes are not a coupon message of a known version."""


class CouponAccepted(NamedTuple):
    """An applicant was accepted: the value of a record in the topic.

    fence: of the campaign when Redis admitted the applicant; 0 in a record of an earlier release.

    A tuple, as all objects that are made per record of a batch: a frozen dataclass takes twice as
    long.
    """

    campaign_id: str
    user_id: str
    serial: int
    admitted_at_ms: int
    fence: int = 0

    def encode(self) -> bytes:
        """Return the record's value, UTF-8 JSON."""
        return _encode(
            {
                "v": MESSAGE_VERSION,
                "campaign_id": self.campaign_id,
                "user_id": self.user_id,
                "serial": self.serial,
                "admitted_at": times.to_iso(self.admitted_at_ms),
            }
            | ({"fence": self.fence} if self.fence else {})
        ).encode()

    @classmethod
    def decode(cls, value: bytes | None) -> CouponAccepted:
        """Parse a record's value; raise UndecodableError naming what is wrong."""
        found = value and OWN_FORM.fullmatch(value.decode("ascii", "replace"))
        if found:
            campaign_id, user_id, serial, second, milliseconds, fence = found.groups()
            try:
                admitted_at_ms = times.from_iso_second(second) + int(milliseconds)
            except ValueError:
                return _general(value)  # an impossible date: raises UndecodableError
            return cls(campaign_id, user_id, int(serial), admitted_at_ms, int(fence or 0))
        return _general(value)


def decoded_at_once(values: Sequence[bytes]) -> list[CouponAccepted] | None:
    """Parse values that all have our own form, in half the time; None where one has another."""
    text = b"\n".join(values).decode("ascii", "replace")
    found = OWN_LINES.findall(text)
    # A value with a line break of its own would be more than one line.
    if len(found) != len(values) or text.count("\n") != len(values) - 1:
        return None
    new, ms_of = tuple.__new__, times.from_iso_second
    try:
        return [
            # As CouponAccepted(…) does it, without a call in Python for each.
            new(
                CouponAccepted,
                (campaign, user, int(serial), ms_of(second) + int(ms), int(fence or 0)),
            )
            for campaign, user, serial, second, ms, fence in found
        ]
    except ValueError:
        return None  # an impossible date


def decoded(values: Iterable[bytes | None]) -> Iterator[CouponAccepted]:
    """Yield the messages among `values`; skip all other values."""
    for value in values:
        try:
            yield CouponAccepted.decode(value)
        except UndecodableError:
            continue  # a poison record, which the consumer dead-letters


def _general(value: bytes | None) -> CouponAccepted:
    """Parse any equivalent JSON, including fields of later releases."""
    message = _json_object(value)
    version, serial = message.get("v"), message.get("serial")
    campaign_id, user_id = message.get("campaign_id"), message.get("user_id")
    admitted_at_ms, fence = _time(message.get("admitted_at")), message.get("fence", 0)
    # bool is a subclass of int, and true is not a number here.
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
    if type(fence) is not int or not 0 <= fence <= FENCE_MAX:
        raise UndecodableError(FLAW.format("fence"))
    return CouponAccepted(message["campaign_id"], message["user_id"], serial, admitted_at_ms, fence)


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


class OutgoingMessage(NamedTuple):
    """A message to be sent to Kafka.

    deadline: time.monotonic() after which an acknowledgement is ignored.
    traceparent: the record's header of that name; "" for none, while traces are off.
    """

    message: CouponAccepted
    request_id: str
    deadline: float
    traceparent: str = ""
