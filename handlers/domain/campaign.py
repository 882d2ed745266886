"""A campaign: one promotion with a quantity and a time window [opens_at, closes_at)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from handlers.domain import identifiers, times
from handlers.domain.campaign_name import campaign_name
from handlers.domain.errors import InvalidRequestError
from handlers.domain.fields import time_ms, whole
from handlers.domain.releases import NO_RELEASES, Releases
from handlers.domain.rules import NO_RULES, Rules
from handlers.domain.terms import NO_TERMS, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTITY_MAX = 10_000_000  # the schema's CHECK has the same number
# A returned place is given under a new serial, and a campaign returns no more places than this.
SERIAL_MAX = 2 * QUANTITY_MAX
RATE_MAX = 1_000_000  # as of the settings
OF_TERMS = frozenset({"benefit", "usable_from", "usable_until", "usable_days", "time_zone"})
OPTIONAL = frozenset({"rate_per_address", "eligibility", "challenge", "releases"}) | OF_TERMS
FIELDS = frozenset({"id", "name", "quantity", "opens_at", "closes_at"}) | OPTIONAL


class CampaignState(StrEnum):
    """The state of a campaign for an applicant at this moment."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    PAUSED = "PAUSED"
    NEXT_RELEASE = "NEXT_RELEASE"  # what was released is given; more follows
    SOLD_OUT = "SOLD_OUT"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The definition of a promotion by an administrator.

    Two are equal where an administrator would create both by the same request.

    version: counts the changes (campaign_change.py). paused: no applicant is admitted.
    fence: MySQL's number of the campaign's present history; each rebuild raises it.
    rate_per_address: calls of one address within a second, 0 for any number; None for the limit of
        the settings.
    places_returned: coupons whose place goes to another applicant. archived: it has left Redis.
    erased_users: how many of its users were erased and are known by their pseudonyms.
    """

    id: str
    name: str
    quantity: int
    opens_at_ms: int
    closes_at_ms: int
    fence: int = field(default=1, compare=False)
    rate_per_address: int | None = None
    rules: Rules = NO_RULES
    releases: Releases = NO_RELEASES
    terms: Terms = NO_TERMS
    paused: bool = field(default=False, compare=False)
    version: int = field(default=1, compare=False)
    places_returned: int = field(default=0, compare=False)
    erased_users: int = field(default=0, compare=False)
    archived: bool = field(default=False, compare=False)

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
            quantity=whole("quantity", body.get("quantity"), 1, QUANTITY_MAX),
            opens_at_ms=time_ms("opens_at", body.get("opens_at")),
            closes_at_ms=time_ms("closes_at", body.get("closes_at")),
            rate_per_address=_rate(body),
            rules=Rules.from_request(body),
            terms=Terms.from_request(body),
        )
        campaign.require_window()
        if "releases" not in body:
            return campaign
        return replace(campaign, releases=Releases.from_request(body["releases"], campaign))

    def require_window(self) -> None:
        """Raise InvalidRequestError for times that contradict each other."""
        if self.opens_at_ms >= self.closes_at_ms:
            message = "closes_at: must be later than opens_at"
            raise InvalidRequestError(message)
        self.terms.require_after(self.opens_at_ms)


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign in Redis at one moment."""

    campaign: Campaign
    admitted: int  # winners known to Redis
    pending: int  # admitted, and not yet settled
    remaining: int  # coupons that can still be given
    oldest_pending_ms: int | None  # when the oldest pending was admitted
    now_ms: int  # Redis's clock
    change: str = ""  # one that is noted and not yet made (campaign_change.py)

    @property
    def state(self) -> CampaignState:
        """Derive the state; CLOSED takes precedence over SOLD_OUT."""
        if self.now_ms < self.campaign.opens_at_ms:
            return CampaignState.SCHEDULED
        if self.now_ms >= self.campaign.closes_at_ms:
            return CampaignState.CLOSED
        has_some = self.remaining > self.campaign.quantity - self.released
        if not has_some and self.next_release_at_ms is None:
            return CampaignState.SOLD_OUT
        if self.campaign.paused:
            return CampaignState.PAUSED
        return CampaignState.OPEN if has_some else CampaignState.NEXT_RELEASE

    @property
    def released(self) -> int:
        """How many coupons of the quantity are released."""
        return self.campaign.releases.released(self.campaign.quantity, self.now_ms)

    @property
    def next_release_at_ms(self) -> int | None:
        """When more are released, None when all are, or the campaign closes before."""
        campaign = self.campaign
        releases = campaign.releases
        return releases.next_at_ms(campaign.quantity, campaign.closes_at_ms, self.now_ms)

    def to_json(self) -> dict[str, Any]:
        """Return the public fields."""
        return {
            **campaign_json(self.campaign),
            "remaining": self.remaining,
            "state": self.state,
            "paused": self.campaign.paused,
            **(self._stages() if self.campaign.releases.steps else {}),
        }

    def _stages(self) -> dict[str, Any]:
        next_at_ms = self.next_release_at_ms
        next_at = None if next_at_ms is None else times.to_iso(next_at_ms)
        return {"released": self.released, "next_release_at": next_at}


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
        **({"releases": campaign.releases.to_json()} if campaign.releases.steps else {}),
        **campaign.terms.to_json(),
    }


def _rate(body: Mapping[str, object]) -> int | None:
    if "rate_per_address" not in body:
        return None
    return whole("rate_per_address", body["rate_per_address"], 0, RATE_MAX)
