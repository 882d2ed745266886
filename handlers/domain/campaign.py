"""A campaign: one promotion with a quantity and a time window [opens_at, closes_at)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from handlers.domain import identifiers, times
from handlers.domain.campaign_name import campaign_name
from handlers.domain.errors import InvalidRequestError
from handlers.domain.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTITY_MAX = 10_000_000  # the schema's CHECK has the same number
# A returned place is given under a new serial, and a campaign returns no more places than this.
SERIAL_MAX = 2 * QUANTITY_MAX
RATE_MAX = 1_000_000  # as of the settings
OPTIONAL = frozenset({"rate_per_address", "eligibility", "challenge"})
FIELDS = frozenset({"id", "name", "quantity", "opens_at", "closes_at"}) | OPTIONAL


class CampaignState(StrEnum):
    """The state of a campaign for an applicant at this moment."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    SOLD_OUT = "SOLD_OUT"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The definition of a promotion by an administrator; never changed afterwards.

    fence: MySQL's number of the campaign's present history; each rebuild raises it.
    rate_per_address: calls of one address within a second, 0 for any number; None for the limit of
        the settings.
    places_returned: coupons whose place goes to another applicant.
    """

    id: str
    name: str
    quantity: int
    opens_at_ms: int
    closes_at_ms: int
    fence: int = field(default=1, compare=False)
    rate_per_address: int | None = None
    rules: Rules = NO_RULES
    places_returned: int = field(default=0, compare=False)

    @property
    def last_serial(self) -> int:
        """The highest serial that may be given: a returned place is given under a new one."""
        return self.quantity + self.places_returned

    @classmethod
    def from_request(cls, body: Mapping[str, object]) -> Campaign:
        """Check a request's fields; raise InvalidRequestError naming the first bad one."""
        for unknown in sorted(body.keys() - FIELDS):
            message = f"{unknown[:64]!r} is no field of a campaign"
            raise InvalidRequestError(message)
        campaign = cls(
            id=identifiers.campaign_id(body.get("id")),
            name=campaign_name(body.get("name")),
            quantity=_quantity(body.get("quantity")),
            opens_at_ms=_time("opens_at", body.get("opens_at")),
            closes_at_ms=_time("closes_at", body.get("closes_at")),
            rate_per_address=_rate(body),
            rules=Rules.from_request(body),
        )
        if campaign.opens_at_ms >= campaign.closes_at_ms:
            message = "closes_at: must be later than opens_at"
            raise InvalidRequestError(message)
        return campaign


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign in Redis at one moment."""

    campaign: Campaign
    admitted: int  # winners known to Redis
    pending: int  # admitted, and not yet settled
    remaining: int  # coupons that can still be given
    oldest_pending_ms: int | None  # when the oldest pending was admitted
    now_ms: int  # Redis's clock

    @property
    def state(self) -> CampaignState:
        """Derive the state; CLOSED takes precedence over SOLD_OUT."""
        if self.now_ms < self.campaign.opens_at_ms:
            return CampaignState.SCHEDULED
        if self.now_ms >= self.campaign.closes_at_ms:
            return CampaignState.CLOSED
        return CampaignState.OPEN if self.remaining > 0 else CampaignState.SOLD_OUT

    def to_json(self) -> dict[str, Any]:
        """Return the public fields."""
        return {
            **campaign_json(self.campaign),
            "remaining": self.remaining,
            "state": self.state,
        }


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    """Return the fields that an administrator set, in the form of the HTTP interface."""
    rate = campaign.rate_per_address
    return {
        "id": campaign.id,
        "name": campaign.name,
        "quantity": campaign.quantity,
        "opens_at": times.to_iso(campaign.opens_at_ms),
        "closes_at": times.to_iso(campaign.closes_at_ms),
        **({} if rate is None else {"rate_per_address": rate}),
        **campaign.rules.to_json(),
    }


def _quantity(value: object) -> int:
    return _whole("quantity", value, 1, QUANTITY_MAX)


def _rate(body: Mapping[str, object]) -> int | None:
    if "rate_per_address" not in body:
        return None
    return _whole("rate_per_address", body["rate_per_address"], 0, RATE_MAX)


def _whole(name: str, value: object, lowest: int, highest: int) -> int:
    # bool is a subclass of int, and true is not a number.
    if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
        return value
    message = f"{name}: must be a whole number from {lowest} to {highest}"
    raise InvalidRequestError(message)


def _time(name: str, value: object) -> int:
    try:
        return times.from_iso(value) if isinstance(value, str) else times.from_iso("")
    except (ValueError, OverflowError) as error:
        message = f"{name}: must be ISO 8601 with Z or an offset, e.g. 2026-11-22T03:00:00Z"
        raise InvalidRequestError(message) from error
