"""A change of a campaign: what it says, what it makes, and the text that is noted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.domain.campaign import QUANTITY_MAX, Campaign
from handlers.domain.campaign_change import CampaignChange, changes_json, is_same
from handlers.domain.errors import InvalidRequestError, UnavailableError

CAMPAIGN = Campaign("welcome", "Welcome", 5, 1_000, 9_000, fence=4, version=3)
ALL: dict[str, Any] = {
    "name": "쿠폰",
    "quantity": 7,
    "opens_at": "1970-01-01T00:00:02.000Z",
    "closes_at": "1970-01-01T00:00:08.000Z",
    "paused": True,
}


def of(body: dict[str, object]) -> CampaignChange:
    return CampaignChange.from_request(body, "an-id", "boss", 3)


def test_a_change_makes_the_next_version_and_leaves_the_rest() -> None:
    after = of(ALL).applied(CAMPAIGN)
    expected = Campaign("welcome", "쿠폰", 7, 2_000, 8_000, fence=4, version=4, paused=True)
    assert (after, after.fence, after.version, after.paused) == (expected, 4, 4, True)
    assert of({"paused": False}).applied(CAMPAIGN) == CAMPAIGN


@pytest.mark.parametrize(
    "body", [ALL, {"quantity": 1}, {"closes_at": "now"}, {"name": '\\"\ue000'}]
)
def test_the_text_that_is_noted_is_the_whole_change(body: dict[str, object]) -> None:
    change = of(body)
    assert change.text.isascii()
    assert CampaignChange.parse(change.text) == change


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"id":"a"}', '{"id":"a","actor":"","base":1,"x":1}']
)
def test_a_text_that_was_never_noted_is_no_change(text: str) -> None:
    with pytest.raises(UnavailableError, match="cannot read"):
        CampaignChange.parse(text)


def test_an_end_that_has_passed_is_the_one_that_redis_has_noted() -> None:
    for asked in ("now", "1970-01-01T00:00:03.000Z"):
        assert of({"closes_at": asked}).applied(CAMPAIGN, 5_000).closes_at_ms == 5_000
    later = of({"closes_at": "1970-01-01T00:00:20.000Z"})
    assert later.applied(CAMPAIGN, 9_000).closes_at_ms == 20_000
    # Nothing is asked of the end: the one of MySQL stays, whatever Redis has.
    assert of({"paused": True}).applied(CAMPAIGN, 5_000).closes_at_ms == 9_000


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"^closes_at: must be later"):
        of({"closes_at": "1970-01-01T00:00:01.000Z"}).applied(CAMPAIGN)
    with pytest.raises(InvalidRequestError, match=r"^closes_at: must be later"):
        of({"opens_at": "1970-01-01T00:00:09.000Z"}).applied(CAMPAIGN)


def test_a_campaign_of_the_highest_quantity_whose_places_were_returned_can_still_be_changed() -> (
    None
):
    full = replace(CAMPAIGN, quantity=QUANTITY_MAX, places_returned=2)
    assert of({"paused": True}).applied(full).last_serial == QUANTITY_MAX + 2


def test_an_event_names_what_differs_before_and_after() -> None:
    after = of({"quantity": 7, "name": "Welcome", "paused": True}).applied(CAMPAIGN)
    assert changes_json(CAMPAIGN, after) == {
        "before": {"version": 3, "quantity": 5, "paused": False},
        "after": {"version": 4, "quantity": 7, "paused": True},
    }
    assert not is_same(CAMPAIGN, after)
    assert is_same(CAMPAIGN, replace(CAMPAIGN, version=9, fence=9, places_returned=9))
