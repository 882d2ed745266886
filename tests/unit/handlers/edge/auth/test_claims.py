"""What a token says, and what the settings want: with a secret and with an issuer alike."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from jwt.algorithms import ECAlgorithm

from handlers.domain.errors import ForbiddenError, UnauthenticatedError
from handlers.edge.auth import claims as claims_module
from handlers.edge.auth import hs256
from handlers.edge.auth.authenticator import Authenticator
from handlers.token_rules import TokenRules
from tests.support.issuer import SECRET, Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings

    Check = Callable[..., str]
    Sign = Callable[[bytes], bytes]

ISSUER, SHOP = "https://id.example.com/", "https://coupons.example.com"
OURS = TokenRules(issuer=ISSUER, audience=SHOP)
NOW = int(time.time())
LATER = NOW + 600
GOOD: dict[str, Any] = {"sub": "42", "exp": LATER, "iss": ISSUER, "aud": SHOP}
WRONG_AUD = "the token's aud is not this service"
WRONG_ISS = "the token's iss is not the issuer that this service trusts"
WRONG_TYPE = "the token's typ is that of another purpose"
TOO_EARLY = "the token is not valid yet"
TOO_LONG = "the token's exp is too far away: a token may live for 86400 seconds"
INVALID = "the token is not valid"


def encoded(header: dict[str, Any], claims: dict[str, Any], sign: Sign) -> str:
    """Any header and claims, also those that a library would not write."""
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    return b".".join((signed, _base64url(sign(signed)))).decode()


def _with_our_secret(signed: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), signed, "sha256")


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@pytest.fixture(params=["secret", "library", "issuer"])
def answer(
    request: pytest.FixtureRequest,
    service_settings: Settings,
    made_issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Check]:
    """The user of a token, or why it is refused: by a secret, fast and by PyJWT, or an issuer."""
    if request.param == "library":
        monkeypatch.setattr(hs256, "_is_plain", lambda _: False)
    with made_issuer.served() as url:

        def check(
            claims: dict[str, Any],
            rules: TokenRules = OURS,
            header: dict[str, Any] | None = None,
            *,
            admin: bool = False,
        ) -> str:
            changes: dict[str, Any] = {"token_rules": rules}
            if request.param == "issuer":
                changes |= {"auth_jwt_secret": "", "auth_jwks_url": url}
                algorithm = ECAlgorithm(ECAlgorithm.SHA256)
                head = {"alg": "ES256", "kid": "ec"} | (header or {})
                token = encoded(head, claims, lambda data: algorithm.sign(data, made_issuer.ec))
            else:
                token = encoded({"alg": "HS256"} | (header or {}), claims, _with_our_secret)
            tokens = Authenticator(dataclasses.replace(service_settings, **changes))
            check_user = tokens.require_admin if admin else tokens.authenticate
            try:
                return check_user({"authorization": f"Bearer {token}"}).id
            except (UnauthenticatedError, ForbiddenError) as error:
                return str(error)

        yield check


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


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 9}, "42"),
        ({"exp": NOW - 10}, "the token has expired"),
        ({"nbf": NOW + 10}, "42"),
        ({"nbf": NOW + 11}, TOO_EARLY),
        ({"iat": NOW + 10}, "42"),
        ({"iat": NOW + 11}, TOO_EARLY),
    ],
)
def test_clocks_may_differ_by_the_leeway(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims) == expected


def stop_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is NOW and a half, here and for PyJWT."""
    for module in ("hs256", "claims", "authenticator"):
        clock = SimpleNamespace(time=lambda: NOW + 0.5)
        monkeypatch.setattr(f"handlers.edge.auth.{module}.time", clock)
    moment = SimpleNamespace(now=lambda **_: SimpleNamespace(timestamp=lambda: NOW + 0.5))
    monkeypatch.setattr("jwt.api_jwt.datetime", moment)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 1}, "the token has expired"),
        ({"exp": NOW + 1}, "42"),
        ({"iat": NOW + 1}, TOO_EARLY),
        ({"nbf": NOW + 1}, TOO_EARLY),
    ],
)
def test_without_a_leeway_each_second_counts(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims, dataclasses.replace(OURS, leeway_s=0)) == expected


DAY_S = 86_400


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW + DAY_S + 10}, "42"),
        ({"exp": NOW + DAY_S + 11}, TOO_LONG),
        ({"exp": NOW + 60, "iat": NOW + 70 - DAY_S - 20}, "42"),
        ({"exp": NOW + 60, "iat": NOW + 60 - DAY_S - 11}, TOO_LONG),
        ({"exp": NOW + 60.5, "iat": NOW - 5.5}, "42"),
        ({"exp": 10**4000}, TOO_LONG),
        ({"exp": 10**4000, "iat": 1.5}, TOO_LONG),
        ({"exp": 1e308}, TOO_LONG),
        ({"exp": NOW + 60, "iat": -(10**4000)}, TOO_LONG),
    ],
)
def test_a_token_may_live_for_a_day_from_its_issue_or_from_now(
    answer: Check, claims: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clocks(monkeypatch)
    assert answer(GOOD | claims) == expected


def test_the_longest_life_is_a_setting(answer: Check) -> None:
    week = dataclasses.replace(OURS, max_life_s=7 * DAY_S)
    assert answer(GOOD | {"exp": NOW + 6 * DAY_S}, week) == "42"
    assert "604800 seconds" in answer(GOOD | {"exp": NOW + 8 * DAY_S}, week)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("value", ["1700000000", " 1", True, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_time_that_is_no_number_is_refused_by_its_name(
    answer: Check, claim: str, value: object
) -> None:
    assert answer(GOOD | {claim: value}) == f"the token's {claim} is no number"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [None, [], {}, "soon", float("inf"), float("nan")])
def test_a_time_that_means_no_moment_is_refused(answer: Check, claim: str, value: object) -> None:
    assert answer(GOOD | {claim: value}) == INVALID


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
    groups = dataclasses.replace(OURS, scope_claims=("cognito:groups",))
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
