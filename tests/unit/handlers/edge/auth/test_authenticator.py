"""authenticator.py with a shared secret: which tokens it accepts and which it refuses."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import ForbiddenError, UnauthenticatedError
from handlers.edge.auth.authenticator import TOKEN_LENGTH_MAX, Authenticator, User
from handlers.edge.auth.token_cache import TokenCache
from handlers.token_rules import LEEWAY_S_DEFAULT, TokenRules
from tests.support.issuer import SECRET, Issuer, good_claims, signed, unsigned

if TYPE_CHECKING:
    from handlers.config import Settings

SOON = int(time.time()) + 3600


@pytest.fixture
def tokens(service_settings: Settings) -> Authenticator:
    return Authenticator(service_settings)


def refusal(tokens: Authenticator, authorization: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.authenticate({"authorization": authorization})
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_a_token_names_its_user_in_any_case_of_the_scheme(
    tokens: Authenticator, scheme: str
) -> None:
    user = tokens.authenticate({"authorization": f"{scheme} {signed(good_claims())}"})
    assert user == User("42", frozenset())


def test_scopes_are_separated_by_spaces(tokens: Authenticator) -> None:
    token = signed(good_claims() | {"scope": "coupon:admin  profile"})
    assert tokens.require_admin({"authorization": f"Bearer {token}"}).scopes == {
        "coupon:admin",
        "profile",
    }


@pytest.mark.parametrize(
    "scope",
    [None, "", "profile", "coupon:administrator", ["coupon:admin x"], {"coupon:admin": 1}, 1],
)
def test_only_the_admin_scope_makes_an_admin(tokens: Authenticator, scope: object) -> None:
    headers = {"authorization": f"Bearer {signed(good_claims() | {'scope': scope})}"}
    assert tokens.authenticate(headers).id == "42"
    with pytest.raises(ForbiddenError):
        tokens.require_admin(headers)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer    ", "Basic NDI6NDI=", "Bearertoken", "\ud800", "token"],
)
def test_without_a_bearer_token_the_caller_is_unknown(
    tokens: Authenticator, authorization: str
) -> None:
    assert refusal(tokens, authorization) == "A valid bearer token is required."


def test_without_the_header_the_caller_is_unknown(tokens: Authenticator) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens.authenticate({})


@pytest.mark.parametrize(
    "token",
    [
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "...",
        "é.é.é",
        "\ud800.a.b",
        "two tokens",
        "bnVsbA.bnVsbA.AA",
        base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.AA",
    ],
)
def test_a_malformed_token_is_refused(tokens: Authenticator, token: str) -> None:
    assert refusal(tokens, f"Bearer {token}") == "the token is not valid"


def test_a_token_of_more_than_8_kib_is_not_even_looked_at(tokens: Authenticator) -> None:
    fits = signed(good_claims() | {"pad": "x" * 5000})
    assert len(fits) < TOKEN_LENGTH_MAX
    assert tokens.authenticate({"authorization": f"Bearer {fits}"}).id == "42"
    overlong = signed(good_claims() | {"pad": "x" * TOKEN_LENGTH_MAX})
    assert refusal(tokens, f"Bearer {overlong}") == "A valid bearer token is required."


def test_an_expired_token_is_refused_and_says_so(tokens: Authenticator) -> None:
    token = signed(good_claims() | {"exp": int(time.time()) - LEEWAY_S_DEFAULT})
    assert refusal(tokens, f"Bearer {token}") == "the token has expired"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "42"},
        {"exp": SOON},
        {"sub": "42", "exp": None},
        {"sub": None, "exp": SOON},
        {"sub": "42", "exp": "soon"},
        {"sub": "42", "exp": []},
        {"sub": "42", "exp": {}},
        {"sub": "42", "exp": float("inf")},
        {"sub": "42", "exp": float("nan")},
        {"sub": "42", "exp": float("-inf")},
        {"sub": "42", "exp": SOON, "nbf": float("inf")},
        {"sub": "42", "exp": SOON, "nbf": []},
        {"sub": "42", "exp": SOON, "nbf": "never"},
        {"sub": "42", "exp": SOON, "iat": []},
        {"sub": "42", "exp": SOON, "iat": "once"},
        {"sub": "42", "exp": SOON, "jti": 1},
    ],
)
def test_a_token_whose_claims_are_missing_or_malformed_is_refused(
    tokens: Authenticator, claims: dict[str, Any]
) -> None:
    assert refusal(tokens, f"Bearer {signed(claims)}") == "the token is not valid"


@pytest.mark.parametrize(
    "exp", ["4000000000", "\N{ARABIC-INDIC DIGIT FOUR}000000000", " 4000000000"]
)
def test_an_expiry_that_is_text_is_refused_even_if_it_spells_a_number(
    tokens: Authenticator, exp: str
) -> None:
    token = signed(good_claims() | {"exp": exp})
    assert refusal(tokens, f"Bearer {token}") == "the token's exp is no number"


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-" + "9" * 400, "NaN"])
def test_a_number_beyond_all_bounds_in_a_token_brings_nothing_down(
    tokens: Authenticator, number: str
) -> None:
    header, claims = '{"alg":"HS256"}', '{"sub":"42"}'
    with_number = f'{{"exp":{number}}}'
    for parts in ((header, with_number), (with_number, claims)):
        head, body = (
            base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts
        )
        assert refusal(tokens, f"Bearer {head}.{body}.AA") == "the token is not valid"


@pytest.mark.parametrize("sub", [42, True, ["42"], {"a": 1}, 1.5, "", "4 2", "é", "a" * 65, "\n"])
def test_a_sub_that_is_not_a_user_id_is_refused(tokens: Authenticator, sub: object) -> None:
    assert "token" in refusal(tokens, f"Bearer {signed(good_claims() | {'sub': sub})}")


def test_a_token_signed_with_another_secret_is_refused(tokens: Authenticator) -> None:
    token = signed(good_claims(), "another secret, as long as it ought to be")
    assert refusal(tokens, f"Bearer {token}") == "the token is not valid"


@pytest.mark.parametrize(
    "algorithm",
    [
        "none",
        "None",
        "NONE",
        "nOnE",
        " none",
        "none\0",
        "",
        "hs256",
        "HS384",
        "HS512",
        "RS256",
        "ES256",
    ],
)
def test_a_token_does_not_choose_its_algorithm(tokens: Authenticator, algorithm: str) -> None:
    assert refusal(tokens, f"Bearer {unsigned({'alg': algorithm})}") == "the token is not valid"
    with_our_secret = signed(good_claims(), algorithm=algorithm)
    assert refusal(tokens, f"Bearer {with_our_secret}") == "the token is not valid"


@pytest.mark.parametrize("alg", [None, 1, True, ["HS256"], {"HS256": 1}])
def test_an_algorithm_that_is_not_text_is_refused(tokens: Authenticator, alg: object) -> None:
    assert refusal(tokens, f"Bearer {unsigned({'alg': alg})}") == "the token is not valid"


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'secret' -- "},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/keys"},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False},
    ],
)
def test_a_header_that_names_another_key_or_another_rule_makes_no_token_valid(
    tokens: Authenticator, header: dict[str, object]
) -> None:
    assert (
        refusal(tokens, f"Bearer {unsigned({'alg': 'HS256', **header})}")
        == "the token is not valid"
    )


def test_an_unsigned_token_is_refused(tokens: Authenticator) -> None:
    token = jwt.encode(good_claims(), "", "none")
    assert refusal(tokens, f"Bearer {token}") == "the token is not valid"
    without_signature = signed(good_claims()).rpartition(".")[0] + "."
    assert refusal(tokens, f"Bearer {without_signature}") == "the token is not valid"


def test_a_token_of_an_issuer_is_refused_where_a_secret_counts(
    tokens: Authenticator, issuer: Issuer
) -> None:
    for algorithm in ("RS256", "ES256"):
        assert refusal(tokens, f"Bearer {issuer.sign(algorithm)}") == "the token is not valid"


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"))
def test_no_text_brings_the_check_down(token: str) -> None:
    tokens = Authenticator.__new__(Authenticator)
    tokens._secret, tokens._issuer, tokens._rotating = SECRET, None, None
    tokens._verified, tokens._rules = TokenCache(), TokenRules()
    assert refusal(tokens, f"Bearer {token}")
