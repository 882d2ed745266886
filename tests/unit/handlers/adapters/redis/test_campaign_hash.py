"""The fields of a campaign's hash, as they are written and read."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.adapters.redis.campaign_hash import FIELDS, from_values, to_pairs
from handlers.adapters.redis.campaigns import STATUS
from handlers.domain.campaign import Campaign
from handlers.domain.releases import Releases
from handlers.domain.rules import Rules
from handlers.domain.terms import Terms

CAMPAIGN = Campaign(
    "welcome",
    "쿠폰",
    5,
    1_000,
    9_000,
    4,
    0,
    Rules.parse('{"challenge":{"max_number":5000}}'),
    Releases.parse("[[1000,2],[3000,3]]"),
    Terms('{"kind":"gift"}', 1, None, 30, "Asia/Seoul"),
    paused=True,
    version=7,
    places_returned=2,
)


def read(campaign: Campaign) -> Campaign:
    values = [str(value).encode() for value in to_pairs(campaign)[1::2]]
    return from_values(campaign.id, campaign.fence, values)


def test_a_campaign_is_read_as_it_was_written() -> None:
    plain = Campaign("plain", "Plain", 5, 1_000, 9_000)
    for campaign in (CAMPAIGN, plain):
        found = read(campaign)
        assert repr(found) == repr(campaign)
    assert read(replace(CAMPAIGN, rate_per_address=None)).rate_per_address is None


def test_a_field_can_be_left_out() -> None:
    pairs = to_pairs(CAMPAIGN, leave_out="places_returned")
    assert pairs[::2] == [name for name in FIELDS if name != "places_returned"]


def test_a_campaign_of_an_earlier_version_is_read_without_the_fields_that_it_lacks() -> None:
    had = {"name": b"Old", "quantity": b"5", "opens_at_ms": b"1000", "closes_at_ms": b"9000"}
    values = [had.get(name) for name in FIELDS]
    assert repr(from_values("old", 1, values)) == repr(Campaign("old", "Old", 5, 1_000, 9_000))


def test_the_status_is_read_in_this_order() -> None:
    [names] = re.findall(r"HMGET', KEYS\[1\],\s*(.*?)\)", STATUS.source, re.DOTALL)
    assert re.findall(r"'(\w+)'", names) == ["epoch", "fence", *FIELDS, "change"]
