"""A place that was returned raises the limit by one, in every script that compares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import operations, wiring
from handlers.adapters.redis import admissions
from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain.admission import Outcome
from handlers.domain.campaign import CampaignState
from handlers.domain.coupon import CouponAccepted
from handlers.domain.reconciliation.differences import check_counters
from handlers.rebuild import rebuild_handler
from tests.support.mutated import change
from tests.support.redis_loss import mark_as_restarted
from tests.support.service import apply, create_campaign, rows
from tests.support.single import admit_one

if TYPE_CHECKING:
    from handlers.config import Settings

pytestmark = pytest.mark.usefixtures("service")


def return_places(campaign_id: str, places: int) -> None:
    key = CampaignKeys.of(campaign_id).campaign
    wiring.scripts().command("HSET", key, "places_returned", places)


def outcome(campaign_id: str, user: str) -> Outcome:
    return admit_one(wiring.admissions(), campaign_id, user).outcome


def test_a_returned_place_is_given_to_the_next_applicant_under_a_new_serial(
    campaign_id: str,
) -> None:
    create_campaign(campaign_id, quantity=2)
    assert [apply(campaign_id, user).body["serial"] for user in "ab"] == [1, 2]
    assert outcome(campaign_id, "c") is Outcome.SOLD_OUT
    return_places(campaign_id, 1)
    status = wiring.redis_campaigns().status(campaign_id)
    assert (status.remaining, status.state) == (1, CampaignState.OPEN)
    assert (status.campaign.quantity, status.campaign.last_serial) == (2, 3)
    assert wiring.admissions().rejection(campaign_id, 10) is None
    assert admit_one(wiring.admissions(), campaign_id, "c").serial == 3
    assert outcome(campaign_id, "d") is Outcome.SOLD_OUT
    assert wiring.redis_campaigns().status(campaign_id).remaining == 0
    assert wiring.admissions().rejection(campaign_id, 10) is not None
    snapshot = operations.admission_reader().snapshot(campaign_id)
    assert check_counters(snapshot, 2, 1) == []


def test_a_returned_place_may_be_reassigned(campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=1)
    assert apply(campaign_id, "a").body["serial"] == 1
    robbed = CouponAccepted(campaign_id, "b", 1, 0)
    assert wiring.admissions().reassign(robbed) is None
    return_places(campaign_id, 1)
    again = wiring.admissions().reassign(robbed)
    assert again is not None
    assert again.serial == 2


def test_a_rebuild_brings_the_returned_places_back(campaign_id: str, service: Settings) -> None:
    create_campaign(campaign_id, quantity=1)
    rows(service, "UPDATE campaign SET places_returned = 4 WHERE id = %s", campaign_id)
    mark_as_restarted(service, campaign_id)
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert wiring.redis_campaigns().status(campaign_id).campaign.last_serial == 5


def test_control_a_script_that_forgets_the_returned_places_refuses_the_next_applicant(
    campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    assert apply(campaign_id, "a").body["serial"] == 1
    return_places(campaign_id, 1)
    change(
        monkeypatch,
        admissions.ADMIT,
        "next_release_ms = last_serial,",
        "next_release_ms = quantity,",
    )
    assert outcome(campaign_id, "b") is Outcome.SOLD_OUT
