"""The campaign of a run has an id that no other one has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from handlers.domain.campaign import Campaign
from local.run.campaign import create
from local.run.options import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.harness.api_client import Api


class FakeApi:
    """Has some campaigns already."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.campaigns: list[Campaign] = []

    def created(self, body: Mapping[str, object], _: str) -> bool:
        campaign = Campaign.from_request(body)  # raises where the service would refuse it
        if campaign.id in self.taken:
            return False
        self.campaigns.append(campaign)
        return True


def created(api: FakeApi, *arguments: str) -> str:
    return create(cast("Api", api), parse(arguments), "secret")


def test_it_opens_and_closes_when_the_options_say() -> None:
    api = FakeApi()
    assert created(api, "--opens-in", "5", "--open-for", "60", "--quantity", "3") == "welcome"
    [campaign] = api.campaigns
    assert campaign.closes_at_ms - campaign.opens_at_ms == 60_000
    assert campaign.quantity == 3


def test_an_id_that_is_taken_gets_a_suffix() -> None:
    api = FakeApi("welcome")
    assert created(api).startswith("welcome-")


def test_the_longest_id_still_is_one_with_a_suffix() -> None:
    longest = "a" * 63
    found = created(FakeApi(longest), "--id", longest)
    assert found != longest
    assert len(found) == 63
