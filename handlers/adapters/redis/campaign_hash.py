"""The fields of a campaign's hash that come from MySQL; epoch and fence are of the scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.campaign import Campaign
from handlers.domain.releases import Releases
from handlers.domain.rules import Rules
from handlers.domain.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# In the order in which status.lua returns them.
FIELDS = (
    "name",
    "quantity",
    "opens_at_ms",
    "closes_at_ms",
    "rate_per_address",
    "rules",
    "releases",
    "terms",
    "paused",
    "version",
    "places_returned",
    "erased",
)
# They only grow, and have scripts of their own: no change of a campaign touches them.
COUNTED = ("places_returned", "erased")


def to_pairs(campaign: Campaign, leave_out: Collection[str] = ()) -> list[str | int]:
    """Return each field with its value, as HSET takes them; "" where the campaign has none."""
    rate = campaign.rate_per_address
    values = (
        campaign.name,
        campaign.quantity,
        campaign.opens_at_ms,
        campaign.closes_at_ms,
        "" if rate is None else rate,
        campaign.rules.text,
        campaign.releases.text,
        campaign.terms.text,
        "1" if campaign.paused else "",
        campaign.version,
        campaign.places_returned,
        campaign.erased_users or "",
    )
    pairs = zip(FIELDS, values, strict=True)
    return [part for pair in pairs if pair[0] not in leave_out for part in pair]


def from_values(campaign_id: str, fence: int, values: Sequence[bytes | None]) -> Campaign:
    """Read the values of FIELDS. A field that an earlier version has not written is None."""
    name, quantity, opens_at_ms, closes_at_ms, rate, *texts, version, places_returned, erased = (
        (value or b"").decode() for value in values
    )
    rules, releases, terms, paused = texts
    return Campaign(
        campaign_id,
        name,
        int(quantity),
        int(opens_at_ms),
        int(closes_at_ms),
        fence,
        int(rate) if rate else None,
        Rules.parse(rules),
        Releases.parse(releases),
        Terms.parse(terms),
        bool(paused),
        int(version or 1),
        int(places_returned or 0),
        int(erased or 0),
    )
