"""GET /campaigns/{id}/challenge and the creation of campaigns that ask for one, on fakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.campaigns import campaign_handler, create_campaign_handler
from handlers.challenge import challenge_handler
from handlers.config import Settings
from handlers.domain.errors import UnavailableError
from local.solve import solve
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from tests.unit.conftest import Bearer, Fakes

BODY = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-23T03:00:00.000Z",
}
LIMITS = {
    "rate_per_address": 5,
    "eligibility": {"claim": "member", "equals": "gold"},
    "challenge": {"max_number": 1_000},
}


def created(bearer: Bearer, **limits: object) -> dict[str, Any]:
    headers = bearer.admin()
    return create_campaign_handler({"headers": headers, "body": json.dumps(BODY | limits)}, None)


def challenge(headers: dict[str, str], campaign_id: str = "welcome") -> dict[str, Any]:
    event = {"headers": headers, "pathParameters": {"id": campaign_id}}
    return challenge_handler(event, None)


@pytest.mark.usefixtures("fakes")
def test_a_campaign_shows_its_limits_to_anyone(bearer: Bearer) -> None:
    response = created(bearer, **LIMITS)
    assert (response["statusCode"], json.loads(response["body"])) == (201, BODY | LIMITS)
    assert created(bearer, **LIMITS)["statusCode"] == 200
    assert created(bearer)["statusCode"] == 409
    shown = json.loads(campaign_handler({"pathParameters": {"id": "welcome"}}, None)["body"])
    assert {name: shown[name] for name in LIMITS} == LIMITS


@pytest.mark.usefixtures("fakes")
def test_a_campaign_without_limits_looks_as_before(bearer: Bearer) -> None:
    assert json.loads(created(bearer)["body"]) == BODY


def test_the_challenge_is_for_the_user_of_the_token_and_no_cache(
    fakes: Fakes, bearer: Bearer
) -> None:
    created(bearer, **LIMITS)
    response = challenge(bearer("42"))
    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == "no-store"
    fields = json.loads(response["body"])
    assert fields["maxnumber"] == 1_000
    wiring.challenges().check(solve(fields), "welcome", "42")
    fakes.redis_campaigns.epoch_is_known = False  # Redis is not asked again
    assert challenge(bearer("43"))["statusCode"] == 200


@pytest.mark.usefixtures("fakes")
def test_without_a_token_a_campaign_or_a_challenge_there_is_none(bearer: Bearer) -> None:
    created(bearer)
    assert challenge({})["statusCode"] == 401
    assert json.loads(challenge(bearer("42"))["body"])["code"] == "NO_CHALLENGE"
    missing = challenge(bearer("42"), "missing")
    assert (missing["statusCode"], json.loads(missing["body"])["code"]) == (
        404,
        "CAMPAIGN_NOT_FOUND",
    )


def test_redis_is_down_only_for_a_process_that_does_not_know_the_rules(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_: str) -> None:
        raise UnavailableError

    monkeypatch.setattr(fakes.redis_campaigns, "status", unavailable)
    assert challenge(bearer("42"))["statusCode"] == 503


@pytest.mark.usefixtures("fakes")
def test_without_a_secret_no_campaign_may_ask_for_a_challenge(bearer: Bearer) -> None:
    unset = Settings.from_environment(ENVIRONMENT | {"CHALLENGE_SECRET": ""})
    with wiring.override(wiring.settings, unset):
        response = created(bearer, challenge={"max_number": 1_000})
        assert response["statusCode"] == 400
        assert "challenge: this service has no CHALLENGE_SECRET" in response["body"]
        assert created(bearer, rate_per_address=5)["statusCode"] == 201
