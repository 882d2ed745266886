"""handlers/token_rules.py: what the environment says about tokens."""

from __future__ import annotations

import pytest

from handlers.config import Settings
from handlers.token_rules import TokenRules
from tests.unit.handlers.test_config import FROM_AN_ISSUER, GOOD, message


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "AUTH_ISSUER and AUTH_AUDIENCE: without them"),
        ({"AUTH_ISSUER": "https://id.example.com/"}, "AUTH_AUDIENCE: without it"),
        ({"AUTH_AUDIENCE": "coupons", "AUTH_ISSUER": " "}, "AUTH_ISSUER: without it"),
    ],
)
def test_outside_of_a_local_stage_an_issuers_keys_need_its_name_and_ours(
    given: dict[str, str], missing: str
) -> None:
    expected = f"AUTH_JWKS_URL needs {missing}, a token for another service would be accepted"
    keys = GOOD | {"AUTH_JWT_SECRET": "", "AUTH_JWKS_URL": "https://id.example.com/keys"}
    assert message(keys | given) == expected
    assert Settings.from_environment(keys | given | {"STAGE": "local"}).auth_jwks_url
    rules = Settings.from_environment(keys | FROM_AN_ISSUER).token_rules
    assert (rules.issuer, rules.audience) == ("https://id.example.com/", "coupons")


def test_the_rules_of_tokens_have_defaults_and_settings() -> None:
    assert Settings.from_environment(GOOD).token_rules == TokenRules("", "", 10, 86_400)
    own = FROM_AN_ISSUER | {
        "AUTH_LEEWAY_S": "0",
        "AUTH_MAX_LIFE_S": "3600",
        "AUTH_SCOPE_CLAIM": "cognito:groups",
        "AUTH_PREVIOUS_SECRET_S": "0",
    }
    rules = Settings.from_environment(GOOD | own).token_rules
    assert rules == TokenRules(
        "https://id.example.com/", "coupons", 0, 3600, ("cognito:groups",), 0
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_LEEWAY_S", "301"),
        ("AUTH_LEEWAY_S", "-1"),
        ("AUTH_MAX_LIFE_S", "59"),
        ("AUTH_MAX_LIFE_S", "a day"),
        ("AUTH_MAX_LIFE_S", "31622401"),
        ("AUTH_PREVIOUS_SECRET_S", "31622401"),
        ("AUTH_PREVIOUS_SECRET_S", "1.5"),
    ],
)
def test_a_malformed_rule_is_named(name: str, value: str) -> None:
    assert message(GOOD | {name: value}).startswith(f"{name} must be a whole number from ")
