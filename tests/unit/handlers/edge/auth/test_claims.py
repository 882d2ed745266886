"""What a token says, and what the settings want: with a secret and with an issuer alike."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers.domain.errors import ForbiddenError
from handlers.edge.auth import claims as claims_module
from handlers.token_rules import TokenRules
from tests.support.issuer import ISSUER, OUR_RULES, SHOP

if TYPE_CHECKING:
    from tests.unit.handlers.edge.auth.conftest import Check

LATER = int(time.time()) + 600
GOOD: dict[str, Any] = {"sub": "42", "exp": LATER, "iss": ISSUER, "aud": SHOP}
WRONG_AUD = "the token's aud is not this service"
WRONG_ISS = "the token's iss is not the issuer that this service trusts"
WRONG_TYPE = "the token's typ is that of another purpose"


@pytest.mark.parametrize("aud", [SHOP, [SHOP], ["another", SHOP]])
def test_a_token_for_this_service_is_taken(answer: Check, aud: object) -> None:
    assert answer(GOOD | {"aud": aud}) == "42"


@pytest.mark.parametrize(
    "aud",
    [
        "another",
        ["another"],
        "",
        [],
        None,
        1,
        {SHOP: 1},
        [SHOP, 1],
        [[SHOP]],
        f"{SHOP}/",
        f"another {SHOP}",
        SHOP.upper(),
    ],
)
def test_a_token_for_another_service_is_refused(answer: Check, aud: object) -> None:
    assert answer(GOOD | {"aud": aud}) == WRONG_AUD


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_token_for_no_service_is_refused_where_there_is_an_audience(answer: Check) -> None:
    assert answer(without("aud")) == WRONG_AUD


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (without("aud") | {"client_id": SHOP}, "42"),
        (without("aud") | {"client_id": "another"}, WRONG_AUD),
        (without("aud") | {"client_id": [SHOP]}, WRONG_AUD),
        (GOOD | {"aud": "another", "client_id": SHOP}, WRONG_AUD),
    ],
)
def test_the_client_counts_where_an_access_token_has_no_audience_as_those_of_cognito(
    answer: Check, claims: dict[str, Any], expected: str
) -> None:
    assert answer(claims) == expected


@pytest.mark.parametrize("aud", [SHOP, [SHOP], "", [], None, 1])
def test_without_an_audience_of_our_own_a_token_that_has_one_is_not_for_us(
    answer: Check, aud: object
) -> None:
    assert answer(GOOD | {"aud": aud}, TokenRules()) == WRONG_AUD
    assert answer(without("aud"), TokenRules()) == "42"


@pytest.mark.parametrize("iss", ["https://id.example.com", "", None, [ISSUER], 1])
def test_a_token_of_another_issuer_is_refused(answer: Check, iss: object) -> None:
    assert answer(GOOD | {"iss": iss}) == WRONG_ISS
    assert answer(without("iss")) == WRONG_ISS


def test_without_an_issuer_of_our_own_any_name_will_do(answer: Check) -> None:
    assert answer(GOOD | {"iss": "anyone"}, TokenRules(audience=SHOP)) == "42"


@pytest.mark.parametrize("claim", ["scope", "scp", "permissions"])
@pytest.mark.parametrize(
    "value",
    [
        "coupon:admin",
        "profile coupon:admin",
        ["coupon:admin"],
        ["profile", "coupon:admin"],
        [1, None, ["x"], "coupon:admin"],
    ],
)
def test_an_administrator_has_the_scope_in_one_of_three_claims_as_text_or_list(
    answer: Check, claim: str, value: object
) -> None:
    assert answer(GOOD | {claim: value}, admin=True) == "42"


@pytest.mark.parametrize(
    "value",
    [
        "coupon:administrator",
        ["coupon:admin x"],
        ["x"],
        {"coupon:admin": 1},
        1,
        None,
        [["coupon:admin"]],
    ],
)
def test_what_only_resembles_the_scope_makes_no_administrator(answer: Check, value: object) -> None:
    forbidden = str(ForbiddenError())
    for claim in ("scope", "scp", "permissions"):
        assert answer(GOOD | {claim: value}, admin=True) == forbidden
        assert answer(GOOD | {claim: value}) == "42"


def test_a_setting_names_the_one_claim_that_counts(answer: Check) -> None:
    groups = dataclasses.replace(OUR_RULES, scope_claims=("cognito:groups",))
    admin = {"cognito:groups": ["coupon:admin"]}
    assert answer(GOOD | admin, groups, admin=True) == "42"
    assert answer(GOOD | {"scope": "coupon:admin"}, groups, admin=True) == str(ForbiddenError())
    assert answer(GOOD | admin, admin=True) == str(ForbiddenError())


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/JWT"]
)
def test_a_token_of_a_user_has_the_type_of_one(answer: Check, typ: str) -> None:
    assert answer(GOOD, header={"typ": typ}) == "42"


def test_a_token_may_have_no_type(answer: Check) -> None:
    assert answer(GOOD, header={}) == "42"


@pytest.mark.parametrize(
    "typ",
    [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "kb+jwt",
        "JOSE",
        "",
        "application/",
        "application/application/jwt",
        1,
        ["JWT"],
        {"JWT": 1},
        True,
    ],
)
def test_a_token_of_another_purpose_is_refused(answer: Check, typ: object) -> None:
    assert answer(GOOD, header={"typ": typ}) == WRONG_TYPE


def test_a_message_about_an_event_is_no_users_token_even_without_a_type(answer: Check) -> None:
    events: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    refusal = answer(GOOD | {"events": events})
    assert refusal == "the token is a message about an event, not a user's"


def test_of_several_faults_one_is_named(answer: Check) -> None:
    assert answer(GOOD | {"aud": "x", "iss": "y"}, header={"typ": "kb+jwt"}) == WRONG_TYPE


def test_the_check_of_claims_itself_asks_for_nothing_but_an_expiry() -> None:
    claims_module.check({}, {"exp": LATER}, TokenRules())
