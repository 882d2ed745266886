"""The fields of a campaign's hash that come from MySQL; epoch and fence are of the scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain.campaign import Campaign
from handlers.domain.releases import Releases
from handlers.domain.rules import Rules
from handlers.domain.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# In the order in which status.lua returns them. What an admission reads is first: Redis keeps a
# small hash as a list, and looks for each field from its beginning.
FIELDS = (
    "quantity",
    "opens_at_ms",
    "closes_at_ms",
    "rate_per_address",
    "rules",
    "places_returned",
    "paused",
    "releases",
    "erased",
    "name",
    "version",
    "terms",
)
# They only grow, and have scripts of their own: no change of a campaign touches them.
COUNTED = ("places_returned", "erased")


def to_pairs(campaign: Campaign, leave_out: Collection[str] = ()) -> list[str | int]:
    """Return each field with its value, as HSET takes them; "" where the campaign has none."""
    rate = campaign.rate_per_address
    values = (
        campaign.quantity,
        campaign.opens_at_ms,
        campaign.closes_at_ms,
        "" if rate is None else rate,
        campaign.rules.text,
        campaign.places_returned,
        "1" if campaign.paused else "",
        campaign.releases.text,
        campaign.erased_users or "",
        campaign.name,
        campaign.version,
        campaign.terms.text,
    )
    pairs = zip(FIELDS, values, strict=True)
    return [part for pair in pairs if pair[0] not in leave_out for part in pair]


def from_values(campaign_id: str, fence: int, values: Sequence[bytes | None]) -> Campaign:
    """Read the values of FIELDS. A field that an earlier version has not written is None."""
    quantity, opens_at_ms, closes_at_ms, rate, rules, *others = (
        (value or b"").decode() for value in values
    )
    places_returned, paused, releases, erased, name, version, terms = others
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
