"""Apply and the rules of a campaign, on fakes: who is let in, and what Redis is asked."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.apply import apply_batch
from handlers.domain.admission import Admission, Applicant, Outcome, RateLimits
from handlers.domain.rules import Rules
from handlers.domain.screening import ROUNDS_MAX
from local.solve import solve
from local.token import sign
from tests.support.apply_events import applied
from tests.support.fake_campaign import FakeCampaign
from tests.support.fakes import NOW_MS
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.conftest import Fakes, LogLines

MEMBERS = Rules.from_request({"eligibility": {"claim": "member", "equals": True}}).text
WORK = Rules.from_request({"challenge": {"max_number": 1_000}}).text
Calls = list[tuple[str, list[Any]]]


def token(user: str, **claims: object) -> dict[str, str]:
    expiring = {"sub": user, "exp": int(time.time()) + 3600, **claims}
    return {"Authorization": f"Bearer {sign(expiring, ENVIRONMENT['AUTH_JWT_SECRET'])}"}


def member(user: str) -> dict[str, str]:
    return token(user, member=True)


def with_solution(user: str, campaign_id: str = "welcome", of: str | None = None) -> dict[str, str]:
    challenge = wiring.challenges().issue(campaign_id, of or user, 1_000)
    return token(user) | {"Challenge-Solution": solve(challenge)}


def code(response: dict[str, Any]) -> str:
    body = json.loads(response["body"])
    return str(body.get("outcome") or body["code"])


def asked(calls: Calls) -> list[list[str]]:
    return [users for method, users in calls if method == "admit_all"]


def test_only_a_user_with_the_claim_is_admitted(campaign: FakeCampaign, fakes: Fakes) -> None:
    campaign.rules = MEMBERS
    refused = applied(token("1"))
    assert refused["statusCode"] == 403
    assert json.loads(refused["body"])["detail"].startswith("Your token does not have the claim")
    assert [code(applied(token("2", member="true"))), code(applied(member("3")))] == [
        "NOT_ELIGIBLE",
        "ACCEPTED",
    ]
    assert campaign.serials == {"3": 1}
    assert len(fakes.publisher.sent) == 1


def test_the_first_applicant_of_a_process_costs_one_more_question_and_no_later_one(
    campaign: FakeCampaign, calls: Calls
) -> None:
    campaign.rules = MEMBERS
    assert code(applied(member("1"))) == "ACCEPTED"
    assert asked(calls) == [["1"], ["1"]]
    assert code(applied(member("2"))) == "ACCEPTED"
    assert asked(calls) == [["1"], ["1"], ["2"]]


def test_a_campaign_without_rules_is_asked_about_once(campaign: FakeCampaign, calls: Calls) -> None:
    assert not campaign.rules
    assert code(applied(member("1"))) == "ACCEPTED"
    assert asked(calls) == [["1"]]


def test_one_batch_may_be_of_campaigns_with_and_without_rules(
    campaign: FakeCampaign, fakes: Fakes, calls: Calls
) -> None:
    campaign.rules = MEMBERS
    fakes.admissions.campaigns["open"] = FakeCampaign(9, NOW_MS - 1000, NOW_MS + 1000)
    applicants = [("welcome", member("1")), ("open", token("2")), ("welcome", token("3"))]
    events = [
        {"headers": headers, "pathParameters": {"id": campaign_id}}
        for campaign_id, headers in applicants
    ]
    responses = dict(apply_batch(events))
    assert [code(responses[n]) for n in range(3)] == ["ACCEPTED", "ACCEPTED", "NOT_ELIGIBLE"]
    assert asked(calls) == [["1", "2", "3"], ["1", "3"]]


def test_who_has_been_admitted_keeps_the_serial_with_another_token_and_without_a_solution(
    campaign: FakeCampaign,
) -> None:
    campaign.rules = Rules.from_request(json.loads(MEMBERS) | json.loads(WORK)).text
    assert code(applied(member("1") | with_solution("1") | member("1"))) == "ACCEPTED"
    again = applied(token("1"))
    assert (code(again), json.loads(again["body"])["serial"]) == ("ALREADY_APPLIED", 1)


def test_a_refused_user_reads_it_before_the_opening_while_there_is_time(
    campaign: FakeCampaign,
) -> None:
    campaign.rules, campaign.opens_at_ms = MEMBERS, NOW_MS + 5_000
    assert [code(applied(token("1"))), code(applied(member("2")))] == ["NOT_ELIGIBLE", "NOT_OPEN"]


def test_who_tries_again_and_again_with_a_bad_solution_is_limited(
    campaign: FakeCampaign, fakes: Fakes
) -> None:
    campaign.rules = WORK
    fakes.admissions.limits = RateLimits(per_user=2)
    codes = [code(applied(token("1") | {"Challenge-Solution": "e30="})) for _ in range(3)]
    assert codes == ["CHALLENGE_FAILED", "CHALLENGE_FAILED", "TOO_MANY_REQUESTS"]


def test_a_challenge_is_asked_for_and_its_right_solution_admits(campaign: FakeCampaign) -> None:
    campaign.rules = WORK
    missing = applied(token("1"))
    assert (missing["statusCode"], code(missing)) == (403, "CHALLENGE_REQUIRED")
    assert code(applied(with_solution("1", of="2"))) == "CHALLENGE_FAILED"
    assert code(applied(with_solution("1", campaign_id="other"))) == "CHALLENGE_FAILED"
    assert code(applied(with_solution("1"))) == "ACCEPTED"
    assert campaign.serials == {"1": 1}


def test_a_campaign_of_the_same_id_with_other_rules_is_judged_by_its_own(
    campaign: FakeCampaign,
) -> None:
    campaign.rules = MEMBERS
    assert code(applied(member("1"))) == "ACCEPTED"
    campaign.rules = ""
    assert code(applied(token("2"))) == "ACCEPTED"
    assert wiring.screener().known.get("welcome") is None


@pytest.mark.usefixtures("campaign")
def test_rules_that_change_with_every_question_end_in_503(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([MEMBERS, WORK] * 9)
    rounds: list[int] = []

    def other_rules(applicants: Sequence[Applicant]) -> list[Admission]:
        rounds.append(len(applicants))
        return [Admission(Outcome.RULES, rules=next(answers)) for _ in applicants]

    monkeypatch.setattr(fakes.admissions, "admit_all", other_rules)
    assert applied(member("1"))["statusCode"] == 503
    assert rounds == [1] * ROUNDS_MAX


def test_a_rule_of_a_newer_version_closes_the_campaign_here(campaign: FakeCampaign) -> None:
    campaign.rules = '{"lottery":{}}'
    response = applied(member("1"))
    assert (response["statusCode"], code(response)) == (503, "UNAVAILABLE")
    assert not campaign.serials


def test_without_the_secret_the_campaign_is_closed_and_the_log_names_the_setting(
    campaign: FakeCampaign, fakes: Fakes, logged: LogLines
) -> None:
    environment = ENVIRONMENT | {"CHALLENGE_SECRET": ""}
    unset = type(wiring.settings()).from_environment(environment)
    campaign.rules = WORK
    with wiring.override(wiring.settings, unset):
        response = applied(token("1") | {"Challenge-Solution": "e30="})
    assert response["statusCode"] == 500
    assert "CHALLENGE_SECRET" in logged.text
    assert not campaign.serials
    assert not fakes.publisher.sent


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_campaigns_own_limit_for_an_address_goes_before_that_of_the_service(
    fakes: Fakes, campaign: FakeCampaign, limit: int
) -> None:
    fakes.admissions.limits = RateLimits(per_address=2)
    campaign.quantity, campaign.rate_per_address = 9, limit
    codes = [code(applied(token(user), address="203.0.113.7")) for user in "12345"]
    assert codes.count("ACCEPTED") == (limit or 5)
