"""Which answers to applicants are counted as refusals, and how the sums are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import app as chalice
from handlers.apply import apply_batch, apply_handler, reject_from_cache
from handlers.domain import refusal_counts
from handlers.domain.refusal_counts import REFUSALS
from handlers.refusals import store_refusals
from handlers.report import refusals_of
from local.lambda_context import LambdaContext
from tests.parity.events import http
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from tests.unit.conftest import Bearer, Fakes, LogLines

HOUR_MS = 3_600_000


def event(bearer: Bearer, user: str, campaign_id: str = "welcome") -> dict[str, Any]:
    return {"headers": bearer(user), "pathParameters": {"id": campaign_id}}


@pytest.fixture
def sold_out(fakes: Fakes, campaign: FakeCampaign, bearer: Bearer) -> Fakes:
    """A campaign whose two coupons are gone, and no refusal yet."""
    assert campaign
    for user in ("1", "2", "2"):
        assert apply_handler(event(bearer, user), None)["statusCode"] in {200, 202}
    assert REFUSALS.take() == {}
    return fakes


def test_a_refusal_counts_wherever_it_is_decided(
    sold_out: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = list(apply_batch([event(bearer, str(user)) for user in range(3, 8)]))
    assert {response["statusCode"] for _, response in responses} == {409}
    monkeypatch.setattr(sold_out.admissions, "admit_all", lambda _: pytest.fail("was asked"))
    assert apply_handler(event(bearer, "3"), None)["statusCode"] == 409  # from the cache
    response = reject_from_cache("welcome", bearer("4")["Authorization"], "request-1")
    assert response
    assert response["statusCode"] == 409
    assert REFUSALS.take() == {"welcome": {"SOLD_OUT": 7}}


@pytest.mark.parametrize(
    ("opens_in_ms", "closes_in_ms", "reason"),
    [(1000, HOUR_MS, "NOT_OPEN"), (-HOUR_MS, -1000, "CLOSED")],
)
def test_each_refusal_has_its_reason(
    fakes: Fakes, bearer: Bearer, opens_in_ms: int, closes_in_ms: int, reason: str
) -> None:
    made = FakeCampaign(2, NOW_MS + opens_in_ms, NOW_MS + closes_in_ms)
    fakes.admissions.campaigns["welcome"] = made
    assert apply_handler(event(bearer, "1"), None)["statusCode"] == 409
    assert REFUSALS.take() == {"welcome": {reason: 1}}


def test_what_no_campaign_has_refused_is_not_counted(sold_out: Fakes, bearer: Bearer) -> None:
    anonymous = {"headers": {}, "pathParameters": {"id": "welcome"}}
    assert apply_handler(anonymous, None)["statusCode"] == 401
    assert apply_handler(event(bearer, "1", "none"), None)["statusCode"] == 404
    sold_out.admissions.reachable = False
    assert apply_handler(event(bearer, "9"), None)["statusCode"] == 503
    assert REFUSALS.take() == {}


def test_sums_are_added_up_and_what_redis_does_not_take_is_lost_and_logged(
    fakes: Fakes, logged: LogLines
) -> None:
    for _ in range(2):
        REFUSALS.count("welcome", "SOLD_OUT")
        store_refusals()
    found = refusals_of("welcome")
    assert found
    assert (found.since_ms, found.by_reason) == (NOW_MS, {"SOLD_OUT": 2})
    assert logged.lines == []
    fakes.redis_campaigns.epoch_is_known = False
    REFUSALS.count("welcome", "SOLD_OUT")
    store_refusals()
    [line] = logged.lines
    assert (line["message"], line["refusals"]) == ("refusals are not counted", 1)
    assert refusals_of("welcome") is None
    fakes.redis_campaigns.epoch_is_known = True
    store_refusals()
    found = refusals_of("welcome")
    assert found
    assert found.by_reason == {"SOLD_OUT": 2}


def test_a_home_without_a_clock_stores_with_the_first_request_after_a_second(
    sold_out: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = bearer("9")["Authorization"].removeprefix("Bearer ")
    apply = http("POST /campaigns/{id}/apply", "welcome", token=token)
    context = LambdaContext("api", 29)
    assert chalice(apply, context)["statusCode"] == 409
    assert sold_out.refusal_store.sums == {}
    REFUSALS.take()
    monkeypatch.setattr(refusal_counts, "SECOND_S", 0)
    assert chalice(apply, context)["statusCode"] == 409
    assert sold_out.refusal_store.sums == {"welcome": {"SOLD_OUT": 1}}
    chalice(http("GET /health"), context)
    assert sold_out.refusal_store.sums == {"welcome": {"SOLD_OUT": 1}}
