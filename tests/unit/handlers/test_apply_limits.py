"""apply_handler's limits per user and per address: which clients get 429, and when not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.domain.admission import RateLimits
from tests.support.apply_events import applied, problem

if TYPE_CHECKING:
    from tests.support.fake_campaign import FakeCampaign
    from tests.unit.conftest import Bearer, Fakes

SLOW_DOWN = problem(
    "TOO_MANY_REQUESTS",
    429,
    "Too Many Requests",
    "Too many requests of yours or of your address; slow down.",
    Retry_After="1",
)


@pytest.mark.usefixtures("campaign")
def test_a_user_above_the_limit_gets_429_and_does_not_reach_kafka(
    fakes: Fakes, bearer: Bearer
) -> None:
    fakes.admissions.limits = RateLimits(per_user=1)
    assert [applied(bearer("42"))["statusCode"] for _ in range(2)] == [202, 200]
    sent = len(fakes.publisher.sent)
    assert [applied(bearer("42")) for _ in range(3)] == [SLOW_DOWN] * 3
    assert len(fakes.publisher.sent) == sent
    assert applied(bearer("43"))["statusCode"] == 202
    fakes.admissions.now_ms += 1000
    assert json.loads(applied(bearer("42"))["body"])["serial"] == 1


@pytest.mark.usefixtures("campaign")
def test_one_address_with_many_users_gets_429_and_others_do_not(
    fakes: Fakes, bearer: Bearer
) -> None:
    fakes.admissions.limits = RateLimits(per_address=1)
    network = "2001:db8:0:1::"
    assert applied(bearer("1"), address=f"{network}1")["statusCode"] == 202
    assert applied(bearer("2"), address=f"{network}2") == SLOW_DOWN
    assert applied(bearer("2"), address="2001:db8:0:2::1")["statusCode"] == 202


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("address", [None, "", "unknown"])
def test_where_the_address_is_unknown_only_the_user_is_counted(
    fakes: Fakes, bearer: Bearer, address: str | None
) -> None:
    fakes.admissions.limits = RateLimits(per_user=1, per_address=1)
    statuses = [applied(bearer(user), address=address)["statusCode"] for user in "1221"]
    assert statuses == [202, 202, 200, 200]
    assert applied(bearer("1"), address=address) == SLOW_DOWN


def test_a_sold_out_response_is_never_limited(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer
) -> None:
    fakes.admissions.limits = RateLimits(1, 1)
    campaign.quantity = 0
    statuses = [applied(bearer("42"), address="203.0.113.7")["statusCode"] for _ in range(5)]
    assert statuses == [409] * 5
    wiring.rejection_cache()._known.clear()  # also for users that Redis decides on
    assert applied(bearer("42"), address="203.0.113.7")["statusCode"] == 409
    assert not campaign.rate
