"""handlers/edge/auth/hs256.py: accepts fast what the library accepts, and refuses nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm

from handlers.edge.auth import claims, hs256
from handlers.token_rules import TokenRules

SECRET = "a secret of the tests, of 32 bytes or more"
FOR_SHOP = {"aud": "shop"}
PUBLIC_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
HEADER = '{"alg":"HS256","typ":"JWT"}'
LATER, BEFORE = int(time.time()) + 3600, int(time.time()) - 3600
RULES = TokenRules()
STRICT = TokenRules(issuer="a", audience="shop", leeway_s=0, max_life_s=7200)
PLAIN = {"sub": "42", "exp": LATER, "iat": BEFORE, "scope": "coupon:admin", "iss": "a", "jti": "b"}


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def token(content: object, header: str = HEADER, secret: str = SECRET) -> str:
    """A token with a valid signature and any claims."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    signed = f"{base64url(header.encode())}.{base64url(payload)}"
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def librarys(encoded: str, rules: TokenRules = RULES) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(
        encoded,
        SECRET,
        algorithms=["HS256"],
        options={"require": ["exp", "sub"]},
        audience=rules.audience or None,
        issuer=rules.issuer or None,
        leeway=rules.leeway_s,
    )
    claims.check(jwt.get_unverified_header(encoded), found, rules)
    return found


def accepts_no_more_than_the_library(encoded: str, rules: TokenRules = RULES) -> bool:
    """Fail where ours accepts what the library does not; return whether ours accepts."""
    found = hs256.claims(encoded, SECRET, rules)
    if found is None:
        return False
    assert librarys(encoded, rules) == found
    return True


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        '{"typ": "JWT", "alg": "HS256"}',
        '{"alg":"HS256"}',
        '{"alg":"HS256","typ":"at+jwt"}',
    ],
)
def test_a_plain_token_is_accepted_with_the_librarys_claims(header: str) -> None:
    for content in (PLAIN, {"sub": "42", "exp": LATER}):
        assert accepts_no_more_than_the_library(token(content, header))
        assert not accepts_no_more_than_the_library(token(content, header), STRICT)
        assert accepts_no_more_than_the_library(token(PLAIN | FOR_SHOP, header), STRICT)


def test_what_the_library_encodes_is_plain() -> None:
    assert accepts_no_more_than_the_library(jwt.encode(PLAIN, SECRET))


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(BEFORE - 10_000, LATER + 10_000),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.text(max_size=3), max_size=2),
    st.sampled_from([BEFORE, LATER, str(LATER), 0, "shop", "a", ["shop"]]),
)
names = st.sampled_from([*PLAIN, "aud", "nbf", "scp", "permissions", "crit", "more", "events"])
changes = st.dictionaries(names, values, max_size=3)


@given(changes=changes, without=st.sets(names, max_size=2))
@example(changes={"exp": True}, without=set())
@example(changes={"exp": BEFORE}, without=set())
@example(changes={"iat": LATER}, without=set())
@example(changes={"nbf": LATER}, without=set())
@example(changes={"aud": "another shop"}, without=set())
@example(changes={"aud": ""}, without=set())
@example(changes={"aud": None}, without=set())
@example(changes={"iss": "b"}, without=set())
@example(changes={"exp": LATER + 90_000}, without={"iat"})
@example(changes={"sub": 42}, without=set())
@example(changes={}, without={"sub"})
@example(changes={}, without={"exp"})
def test_for_any_token_no_more_is_accepted_than_by_the_library(
    changes: dict[str, object], without: set[str]
) -> None:
    for rules, plain in ((RULES, PLAIN), (STRICT, PLAIN | FOR_SHOP)):
        content = {name: value for name, value in (plain | changes).items() if name not in without}
        accepts_no_more_than_the_library(token(content), rules)


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none","typ":"JWT"}',
        '{"alg":"HS512","typ":"JWT"}',
        '{"alg":"RS256","typ":"JWT"}',
        '{"alg":"HS256","typ":"JWT","crit":["b64"],"b64":false}',
        '{"alg":"HS256","typ":"JWT","kid":"../key"}',
        '{"alg":"HS256","typ":"dpop+jwt"}',
        '{"alg":"HS256","typ":null}',
        '["HS256"]',
        "{",
        "",
    ],
)
def test_a_header_that_says_more_is_left_to_the_library(header: str) -> None:
    assert hs256.claims(token(PLAIN, header), SECRET, RULES) is None


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"42", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000]
)
def test_a_payload_that_is_not_an_object_is_left_to_the_library(payload: bytes) -> None:
    assert hs256.claims(token(payload), SECRET, RULES) is None


@given(at=st.integers(0, 400), to=st.characters())
def test_a_token_with_another_character_anywhere_is_not_accepted(at: int, to: str) -> None:
    good = token(PLAIN)
    at %= len(good)
    changed = good[:at] + to + good[at + 1 :]
    if changed != good:
        assert hs256.claims(changed, SECRET, RULES) is None


@pytest.mark.parametrize("cut", ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "=.=.="])
def test_a_malformed_token_is_left_to_the_library(cut: str) -> None:
    assert hs256.claims(cut, SECRET, RULES) is None
    assert hs256.claims(token(PLAIN) + cut, SECRET, RULES) is None or not cut


def test_the_signature_must_be_of_this_secret_and_of_these_very_characters() -> None:
    good = token(PLAIN)
    assert hs256.claims(token(PLAIN, secret=SECRET + "."), SECRET, RULES) is None
    assert hs256.claims(good + "=", SECRET, RULES) is None
    signed, _, _ = good.rpartition(".")
    of_others = hashlib.sha256(signed.encode()).digest()
    assert hs256.claims(f"{signed}.{base64url(of_others)}", SECRET, RULES) is None


def test_a_payload_that_is_padded_is_left_to_the_library() -> None:
    payload = urlsafe_b64encode(json.dumps({"sub": "4", "exp": LATER}).encode()).decode()
    assert payload.endswith("=")
    signed = f"{base64url(HEADER.encode())}.{payload}"
    padded = f"{signed}.{base64url(hmac.digest(SECRET.encode(), signed.encode(), 'sha256'))}"
    assert librarys(padded)["sub"] == "4"
    assert hs256.claims(padded, SECRET, RULES) is None


def test_a_secret_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a secret that no other test has, of 32 bytes or more"
    assert hs256.claims(token(PLAIN, secret=secret), secret, RULES)
    monkeypatch.setattr(HMACAlgorithm, "prepare_key", lambda *_: pytest.fail("examined again"))
    assert hs256.claims(token(PLAIN, secret=secret), secret, RULES)


@pytest.mark.parametrize("secret", [PUBLIC_KEY, "", '{"kty":"oct","k":""}'])
def test_a_secret_that_the_library_refuses_is_refused_each_time(secret: str) -> None:
    for _ in range(2):
        with pytest.raises(jwt.InvalidKeyError):
            hs256.claims(token(PLAIN, secret=secret), secret, RULES)


@given(st.from_regex(hs256.PLAIN_SECRET, fullmatch=True))
@example("-----BEGIN-----END-----")
@example("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC" * 2)
def test_what_is_plain_random_text_is_the_same_secret_for_the_library(secret: str) -> None:
    assert HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret) == secret.encode()


@pytest.mark.parametrize(
    "secret",
    [
        PUBLIC_KEY,
        PUBLIC_KEY.replace("\n", ""),
        "",
        '{"kty":"oct","k":""}',
        "ssh-ed25519",
        "ssh-rsaAAAAB3NzaC1yc2EAAAADAQABAAABAQ==",
        "ecdsa-sha2-nistp256",
        "0Y0",  # the first byte of a sequence in DER, which holds keys
        "plain\n",
    ],
)
def test_what_may_be_a_public_key_is_examined_by_the_library(secret: str) -> None:
    assert not hs256.PLAIN_SECRET.fullmatch(secret)
