"""Releases: the coupons of a campaign in stages."""

from __future__ import annotations

import pytest

from handlers.domain.campaign import Campaign, CampaignStatus, campaign_json
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.releases import NO_RELEASES, RELEASES_MAX, Releases

BODY = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-22T05:00:00.000Z",
}
FIRST = {"at": "2026-11-22T03:00:00.000Z", "quantity": 30}
SECOND = {"at": "2026-11-22T04:00:00.000Z", "quantity": 70}
STAGED = Campaign(
    "staged", "Staged", 10, 1000, 5000, releases=Releases.parse("[[1000,4],[3000,6]]")
)


def test_releases_are_kept_in_their_order_and_shown_so() -> None:
    campaign = Campaign.from_request(BODY | {"releases": [SECOND, FIRST]})
    assert campaign_json(campaign) == BODY | {"releases": [FIRST, SECOND]}
    assert campaign.releases.text == "[[1795316400000,30],[1795320000000,70]]"
    assert Releases.parse(campaign.releases.text) == campaign.releases
    assert campaign != Campaign.from_request(BODY)
    assert Campaign.from_request(BODY).releases is NO_RELEASES


@pytest.mark.parametrize("text", ["1", "[[1]]", '[["a",1]]', "{"])
def test_a_text_of_releases_that_the_service_never_wrote_is_no_releases(text: str) -> None:
    with pytest.raises(UnavailableError, match="cannot read"):
        Releases.parse(text)


@pytest.mark.parametrize(
    ("releases", "named"),
    [
        (None, "releases"),
        ([], "releases"),
        ({}, "releases"),
        ([FIRST] * (RELEASES_MAX + 1), "releases"),
        ([FIRST, 7], r"releases\[1\]"),
        ([FIRST | {"note": ""}], r"releases\[0\]"),
        ([{"at": "soon", "quantity": 100}], r"releases\[0\].at"),
        ([FIRST | {"quantity": 0}, SECOND], r"releases\[0\].quantity"),
        ([FIRST | {"quantity": 101}, SECOND], r"releases\[0\].quantity"),
        ([FIRST, SECOND | {"quantity": 71}], "releases"),
        ([FIRST], "releases"),
        ([FIRST, SECOND | {"at": FIRST["at"]}], "releases"),
        ([FIRST | {"at": "2026-11-22T02:59:59.999Z"}, SECOND], "releases"),
        ([FIRST, SECOND | {"at": BODY["closes_at"]}], "releases"),
    ],
)
def test_a_bad_release_is_named(releases: object, named: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^{named}: "):
        Campaign.from_request(BODY | {"releases": releases})


@pytest.mark.parametrize(
    ("now_ms", "quantity", "released", "next_at_ms"),
    [
        (999, 10, 0, 1000),
        (1000, 10, 4, 3000),
        (2999, 10, 4, 3000),
        (3000, 10, 10, None),
        (2000, 3, 3, None),  # the quantity was lowered
        (3000, 12, 12, None),  # it was raised
        (2000, 12, 4, 3000),
    ],
)
def test_what_is_released_follows_from_the_time(
    now_ms: int, quantity: int, released: int, next_at_ms: int | None
) -> None:
    releases = STAGED.releases
    assert releases.released(quantity, now_ms) == released
    assert releases.next_at_ms(quantity, 5000, now_ms) == next_at_ms


def test_a_release_after_the_end_never_comes() -> None:
    assert STAGED.releases.next_at_ms(10, 3000, 2000) is None


@pytest.mark.parametrize(
    ("now_ms", "remaining", "state", "next_at"),
    [
        (1000, 10, "OPEN", "1970-01-01T00:00:03.000Z"),
        (1000, 6, "NEXT_RELEASE", "1970-01-01T00:00:03.000Z"),
        (3000, 6, "OPEN", None),
        (3000, 0, "SOLD_OUT", None),
    ],
)
def test_a_state_says_that_more_follows(
    now_ms: int, remaining: int, state: str, next_at: str | None
) -> None:
    shown = CampaignStatus(STAGED, 10 - remaining, 0, remaining, None, now_ms).to_json()
    assert (shown["state"], shown["next_release_at"]) == (state, next_at)
    assert shown["released"] == (4 if now_ms < 3000 else 10)
    assert shown["paused"] is False
