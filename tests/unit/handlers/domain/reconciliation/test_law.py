"""handlers/domain/reconciliation/law.py: what the counts of the states must satisfy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.domain.reconciliation.law import (
    COUNTED_UNRETURNED,
    NO_STATE,
    RETURNED_UNCOUNTED,
    TOO_MANY,
    Law,
    StateCounts,
    StoredCampaign,
)

SOUND = StateCounts(
    issued=12, usable=4, reserved=3, used=2, expired=1, revoked=2, places_returned=2
)
CAMPAIGN = StoredCampaign(10, 12, 2)


def found(counts: StateCounts, before: StoredCampaign, now: StoredCampaign) -> set[str]:
    law = Law(before)
    pages = [*law.page(0, counts), *law.page(10_000, StateCounts())]
    return {one.detail for one in [*pages, *law.end(now)]}


def test_counts_that_add_up_are_sound() -> None:
    assert found(SOUND, CAMPAIGN, CAMPAIGN) == set()
    assert SOUND.in_a_state == SOUND.issued


@pytest.mark.parametrize("state", ["usable", "reserved", "used", "expired", "revoked"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_coupon_in_no_state_or_in_two_is_found(state: str, by: int) -> None:
    wrong = replace(SOUND, **{state: getattr(SOUND, state) + by})
    assert found(wrong, CAMPAIGN, CAMPAIGN) == {NO_STATE}


def test_places_that_were_returned_and_not_counted_or_counted_and_not_returned_are_found() -> None:
    few, many = CAMPAIGN._replace(places_returned=1), CAMPAIGN._replace(places_returned=3)
    assert found(SOUND, few, few) == {RETURNED_UNCOUNTED}
    assert found(SOUND, many, many) == {COUNTED_UNRETURNED}


def test_more_that_kept_their_place_than_the_quantity_are_found() -> None:
    small = CAMPAIGN._replace(quantity=9)
    assert found(SOUND, small, small) == {TOO_MANY}


def test_a_place_that_is_returned_while_the_pages_are_read_is_no_difference() -> None:
    before, now = CAMPAIGN._replace(places_returned=1), CAMPAIGN._replace(places_returned=4)
    assert found(SOUND, before, now) == set()
    assert (
        found(replace(SOUND, issued=13, usable=5), CAMPAIGN._replace(places_returned=2), now)
        == set()
    )
