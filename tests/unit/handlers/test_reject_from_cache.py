"""reject_from_cache: the response of apply_handler or none, and no server is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers.apply import apply_handler, reject_from_cache
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import Bearer, Fakes, LogLines

HOUR_MS = 3_600_000
REQUEST_ID = "request-1"


def applied(authorization: str, campaign_id: str = "welcome") -> dict[str, Any]:
    event = {
        "requestContext": {"requestId": REQUEST_ID},
        "headers": {"Authorization": authorization},
        "pathParameters": {"id": campaign_id},
    }
    return apply_handler(event, None)


@pytest.fixture
def campaign(fakes: Fakes, bearer: Bearer) -> FakeCampaign:
    """A campaign of one coupon, which the winner has."""
    made = FakeCampaign(1, NOW_MS - 1000, NOW_MS + HOUR_MS)
    fakes.admissions.campaigns["welcome"] = made
    assert applied(bearer("winner")["Authorization"])["statusCode"] == 202
    return made


@pytest.fixture
def unreachable(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let every further call to Redis fail the test."""

    def cut() -> None:
        for name in ("admit_all", "rejection"):
            monkeypatch.setattr(fakes.admissions, name, lambda *_: pytest.fail("was asked"))

    return cut


def test_a_cached_rejection_equals_the_handlers_word_for_word(
    campaign: FakeCampaign, unreachable: Callable[[], None], bearer: Bearer, logged: LogLines
) -> None:
    refused = applied(bearer("42")["Authorization"])
    unreachable()
    logged.clear()
    assert reject_from_cache("welcome", bearer("43")["Authorization"], REQUEST_ID) == refused
    assert refused["statusCode"] == 409
    assert logged.lines == []
    assert campaign


def test_a_campaign_that_is_over_is_rejected_from_the_cache_as_well(
    campaign: FakeCampaign, unreachable: Callable[[], None], bearer: Bearer
) -> None:
    campaign.closes_at_ms = NOW_MS - 1
    refused = applied(bearer("42")["Authorization"])
    unreachable()
    assert reject_from_cache("welcome", bearer("43")["Authorization"], REQUEST_ID) == refused
    assert '"CLOSED"' in refused["body"]


@pytest.mark.usefixtures("campaign")
def test_before_redis_has_rejected_a_user_the_cache_rejects_no_user(
    unreachable: Callable[[], None], bearer: Bearer
) -> None:
    unreachable()
    assert reject_from_cache("welcome", bearer("42")["Authorization"], REQUEST_ID) is None
    assert reject_from_cache("another", bearer("42")["Authorization"], REQUEST_ID) is None


@pytest.mark.usefixtures("campaign")
def test_a_winner_is_left_to_the_handler_which_knows_the_serial(
    unreachable: Callable[[], None], bearer: Bearer
) -> None:
    applied(bearer("42")["Authorization"])
    unreachable()
    assert reject_from_cache("welcome", bearer("winner")["Authorization"], REQUEST_ID) is None


@pytest.mark.usefixtures("campaign")
def test_a_request_that_the_handler_would_refuse_is_left_to_it(
    unreachable: Callable[[], None], bearer: Bearer
) -> None:
    applied(bearer("42")["Authorization"])
    unreachable()
    expired = bearer("43", exp=int(time.time()) - 60)["Authorization"]
    for authorization in ("", "Bearer", "Bearer nonsense", "Basic eDp5", expired):
        assert reject_from_cache("welcome", authorization, REQUEST_ID) is None
        assert applied(authorization)["statusCode"] == 401
