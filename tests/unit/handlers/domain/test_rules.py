"""The rules of a campaign: what a request may say, and whom they permit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.domain.campaign import Campaign, campaign_json
from handlers.domain.errors import InvalidRequestError, UnavailableError
from handlers.domain.rules import (
    CAMPAIGNS_MAX,
    NO_RULES,
    ChallengeRule,
    Eligibility,
    KnownRules,
    Rules,
)

MEMBER = {"eligibility": {"claim": "member", "equals": True}}
BODY = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-23T03:00:00.000Z",
}
LIMITS = {"rate_per_address": 5, **MEMBER, "challenge": {"max_number": 50_000}}


def test_a_campaign_shows_the_limits_that_it_was_given_and_no_others() -> None:
    assert campaign_json(Campaign.from_request(BODY)) == BODY
    assert campaign_json(Campaign.from_request(BODY | LIMITS)) == BODY | LIMITS
    unlimited = BODY | {"rate_per_address": 0}
    assert campaign_json(Campaign.from_request(unlimited)) == unlimited


def test_rules_are_one_text_whatever_the_order_of_a_request() -> None:
    text = '{"challenge":{"max_number":50000},"eligibility":{"claim":"member","equals":true}}'
    one = Rules.from_request({"eligibility": {"equals": True, "claim": "member"}, **LIMITS})
    assert one.text == text
    assert Rules.parse(text) == one
    assert one.eligibility == Eligibility("member", equals=True)
    assert one.challenge == ChallengeRule(50_000)
    assert Rules.from_request(BODY) is NO_RULES
    assert Rules.parse("") is NO_RULES


def test_a_campaign_with_another_rule_is_another_one_also_where_python_calls_them_equal() -> None:
    def of(value: object) -> Campaign:
        rule = {"eligibility": {"claim": "member", "equals": value}}
        return Campaign.from_request(BODY | rule)

    yes = True
    assert of(yes) == of(yes)
    assert of(yes) != of(1)
    assert of(1) != of(1.0)
    assert of(1) != Campaign.from_request(BODY)
    assert Campaign.from_request(BODY | {"rate_per_address": 5}) != Campaign.from_request(BODY)


@pytest.mark.parametrize(
    ("rule", "found", "is_permitted"),
    [
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (1, 1, True),
        (1, 1.0, True),
        (1, "1", False),
        ("gold", "gold", True),
        ("gold", "Gold", False),
        ("gold", ["silver", "gold"], True),
        ("gold", ["silver"], False),
        ("gold", [["gold"]], False),
        ("gold", {"gold": True}, False),
        (False, None, False),
        (0, [], False),
        (1, float("nan"), False),
    ],
)
def test_a_claim_permits_by_its_json_value_or_as_a_list_that_contains_it(
    rule: Any, found: object, *, is_permitted: bool
) -> None:
    assert Eligibility("tier", rule).permits({"tier": found}) is is_permitted


def test_a_token_without_the_claim_is_not_permitted() -> None:
    assert not Eligibility("tier", "gold").permits({"sub": "42", "other": "gold"})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate_per_address", None, "rate_per_address: must be a whole number from 0 to 1000000"),
        ("rate_per_address", -1, "rate_per_address: must be"),
        ("rate_per_address", 1_000_001, "rate_per_address: must be"),
        ("rate_per_address", True, "rate_per_address: must be"),
        ("rate_per_address", 5.0, "rate_per_address: must be"),
        ("eligibility", None, "eligibility: must be an object with claim and equals"),
        ("eligibility", {"claim": "a"}, "eligibility: must be an object"),
        ("eligibility", {"claim": "a", "equals": 1, "x": 1}, "eligibility: must be an object"),
        ("eligibility", {"claim": "", "equals": 1}, "eligibility.claim: must be text"),
        ("eligibility", {"claim": "a" * 129, "equals": 1}, "eligibility.claim: must be text"),
        ("eligibility", {"claim": 5, "equals": 1}, "eligibility.claim: must be text"),
        ("eligibility", {"claim": "a", "equals": None}, "eligibility.equals: must be text"),
        ("eligibility", {"claim": "a", "equals": []}, "eligibility.equals: must be text"),
        ("eligibility", {"claim": "a", "equals": ""}, "eligibility.equals: must be text"),
        ("eligibility", {"claim": "a", "equals": "x" * 257}, "eligibility.equals: must be text"),
        ("eligibility", {"claim": "a", "equals": 1e400}, "eligibility.equals: must be text"),
        ("eligibility", {"claim": "a", "equals": 10**4000}, "eligibility.equals: must be text"),
        ("challenge", True, "challenge: must be an object with max_number"),
        ("challenge", {}, "challenge: must be an object"),
        ("challenge", {"max_number": 999}, "challenge.max_number: must be a whole number from"),
        ("challenge", {"max_number": 10_000_001}, "challenge.max_number: must be"),
        ("challenge", {"max_number": True}, "challenge.max_number: must be"),
        ("challenge", {"max_number": "5000"}, "challenge.max_number: must be"),
    ],
)
def test_a_malformed_limit_is_refused_by_its_name(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        Campaign.from_request(BODY | {field: value})
    assert str(refused.value).startswith(message)


def test_the_longest_rules_fit_their_column() -> None:
    astral = "\U0001f39f"
    longest = {"eligibility": {"claim": astral * 128, "equals": astral * 256}}
    text = Rules.from_request(longest | {"challenge": {"max_number": 10_000_000}}).text
    assert text.isascii()
    assert len(text) <= 5000
    assert Rules.parse(text).to_json()["eligibility"] == longest["eligibility"]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "7", json.dumps({"lottery": {}}), '{"challenge":{"max":1}}', '{"challenge":null}'],
)
def test_a_rule_that_this_version_does_not_know_lets_no_user_in(text: str) -> None:
    with pytest.raises(UnavailableError, match="rule that this version"):
        Rules.parse(text)


def test_a_process_remembers_rules_of_a_bounded_number_of_campaigns() -> None:
    known, rules = KnownRules(), Rules.from_request(MEMBER)
    assert known.get("welcome") is None
    known.keep("welcome", rules)
    assert known.get("welcome") == rules
    known.keep("welcome", NO_RULES)
    assert known.get("welcome") is None
    for number in range(CAMPAIGNS_MAX + 1):
        known.keep(f"c-{number}", rules)
    assert known.get("c-0") is None
    assert known.get(f"c-{CAMPAIGNS_MAX}") == rules
