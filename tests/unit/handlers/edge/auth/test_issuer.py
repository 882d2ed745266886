"""handlers/edge/auth/authenticator.py with an issuer's keys from a real HTTP server."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from handlers.domain.errors import UnauthenticatedError, UnavailableError
from handlers.edge.auth.authenticator import Authenticator
from handlers.token_rules import LEEWAY_S_DEFAULT
from tests.support.issuer import Issuer, good_claims, signed, unsigned
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings


@pytest.fixture(scope="module")
def keys() -> Issuer:
    return Issuer()  # once: RSA keys are slow to make


@pytest.fixture
def issuer(keys: Issuer) -> Iterator[Issuer]:
    response, keys.calls = keys.answer, 0
    yield keys
    keys.answer = response


@pytest.fixture
def tokens(issuer: Issuer, service_settings: Settings) -> Iterator[Authenticator]:
    with issuer.served() as url:
        yield tokens_of(service_settings, url)


def tokens_of(settings: Settings, url: str) -> Authenticator:
    return Authenticator(dataclasses.replace(settings, auth_jwt_secret="", auth_jwks_url=url))


def refuses(tokens: Authenticator, token: str) -> bool:
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.authenticate({"authorization": f"Bearer {token}"})
    return str(caught.value) == "the token is not valid"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_of_the_issuer_is_taken(
    tokens: Authenticator, issuer: Issuer, algorithm: str
) -> None:
    token = issuer.sign(algorithm, scope="coupon:admin")
    assert tokens.require_admin({"authorization": f"Bearer {token}"}).id == "42"


def test_the_keys_are_asked_for_once(tokens: Authenticator, issuer: Issuer) -> None:
    for algorithm in ("RS256", "ES256", "RS256"):
        tokens.authenticate({"authorization": f"Bearer {issuer.sign(algorithm)}"})
    assert issuer.calls == 1


def test_the_keys_may_be_read_before_the_first_token_comes(
    tokens: Authenticator, issuer: Issuer
) -> None:
    tokens.warm_up()
    eventually(lambda: issuer.calls, "the issuer is asked")
    assert tokens.authenticate({"authorization": f"Bearer {issuer.sign('ES256')}"}).id == "42"
    assert issuer.calls == 1


def test_without_an_issuer_there_is_nothing_to_read_ahead(service_settings: Settings) -> None:
    Authenticator(service_settings).warm_up()


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    tokens: Authenticator, issuer: Issuer
) -> None:
    pem = issuer.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert refuses(tokens, signed(good_claims(), pem.decode()))
    assert refuses(tokens, unsigned({"alg": "HS256", "kid": "rsa"}))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256"},
        {"alg": "RS256", "kid": ""},
        {"alg": "RS256", "kid": "unknown"},
        {"alg": "RS256", "kid": 1},
        {"alg": "RS256", "kid": None},
        {"alg": "RS256", "kid": ["rsa"]},
        {"alg": "none", "kid": "rsa"},
        {"alg": "nOnE", "kid": "rsa"},
        {"alg": "RS256", "kid": "../rsa"},
        {"alg": "RS256", "kid": "rsa\0"},
        {"alg": "RS256", "kid": "x" * 5000},
        {"alg": "RS256", "kid": {"rsa": 1}},
        {"alg": "RS512", "kid": "rsa"},
        {"alg": "RS256", "kid": "rsa"},
        {"alg": "ES256", "kid": "ec"},
        {"alg": ["RS256"], "kid": "rsa"},
        # A token of one kind that names a key of the other.
        {"alg": "RS256", "kid": "ec"},
        {"alg": "ES256", "kid": "rsa"},
        {"alg": "ES256", "kid": "rsa", "crit": ["b64"], "b64": True},
    ],
)
def test_a_token_that_any_client_can_make_is_refused(
    tokens: Authenticator, header: dict[str, object]
) -> None:
    assert refuses(tokens, unsigned(header))


def test_a_token_of_another_issuer_is_refused(tokens: Authenticator) -> None:
    assert refuses(tokens, Issuer().sign("ES256"))


def test_many_unknown_keys_do_not_become_many_calls_to_the_issuer(
    tokens: Authenticator, issuer: Issuer
) -> None:
    assert refuses(tokens, issuer.sign("ES256", kid="unknown"))
    for n in range(20):
        # Each may be a key that the issuer has published a moment ago.
        with pytest.raises(UnavailableError):
            tokens.authenticate(
                {"authorization": f"Bearer {issuer.sign('ES256', kid=f'unknown-{n}')}"}
            )
    assert refuses(tokens, issuer.sign("ES256", kid="unknown"))
    assert issuer.calls == 1


@pytest.mark.parametrize(
    "response",
    [
        (500, b"down"),
        (404, b"{}"),
        (302, b""),
        (200, b"<html>maintenance</html>"),
        (200, b"[]"),
        (200, b'{"keys":[]}'),
        (200, b"\xff"),
        (200, b"null"),
        (200, b'{"keys":[1]}'),
        (200, b'{"keys":[{"kty":"RSA","n":1,"e":[]}]}'),
        (200, b'{"keys":' + b"9" * 5000 + b"}"),
        (200, b"[" * 20_000),
    ],
)
def test_an_issuer_that_gives_no_keys_is_not_a_fault_of_the_token(
    tokens: Authenticator, issuer: Issuer, response: tuple[int, bytes]
) -> None:
    issuer.answer = response
    with pytest.raises(UnavailableError):
        tokens.authenticate({"authorization": f"Bearer {issuer.sign('ES256')}"})


def test_an_unreachable_issuer_is_not_a_fault_of_the_token(
    issuer: Issuer, service_settings: Settings
) -> None:
    with issuer.served() as url:
        pass
    with pytest.raises(UnavailableError):
        tokens_of(service_settings, url).authenticate(
            {"authorization": f"Bearer {issuer.sign('ES256')}"}
        )


def test_a_malformed_token_does_not_reach_the_issuer(tokens: Authenticator, issuer: Issuer) -> None:
    for token in ("a", "a.b.c", jwt.encode(good_claims(), "", "none") + "!"):
        assert refuses(tokens, token)
    assert issuer.calls == 0


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        ({}, {"exp": 1}, "the token has expired"),
        ({}, {"nbf": good_claims()["exp"]}, "the token is not valid yet"),
        ({}, {"aud": "another service"}, "the token's aud is not this service"),
        ({}, {"sub": None}, "the token is not valid"),
        ({"typ": "dpop+jwt"}, {}, "the token's typ is that of another purpose"),
        ({"alg": "HS256"}, {}, "the token is not valid"),
        ({"alg": "none"}, {}, "the token is not valid"),
        ({"alg": ["ES256"]}, {}, "the token is not valid"),
        ({"alg": None}, {}, "the token is not valid"),
    ],
)
def test_of_a_token_that_would_be_refused_anyway_the_issuer_is_not_asked(
    tokens: Authenticator,
    issuer: Issuer,
    header: dict[str, Any],
    claims: dict[str, Any],
    expected: str,
) -> None:
    token = unsigned({"alg": "ES256", "kid": "new"} | header, good_claims() | claims)
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.authenticate({"authorization": f"Bearer {token}"})
    assert str(caught.value) == expected
    assert issuer.calls == 0


def test_a_token_without_an_algorithm_is_refused(tokens: Authenticator, issuer: Issuer) -> None:
    assert refuses(tokens, unsigned({"kid": "ec"}))
    assert issuer.calls == 0


def test_an_accepted_token_has_a_cached_user_while_its_key_is_fresh(
    issuer: Issuer, service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with issuer.served() as url:
        tokens = tokens_of(service_settings, url)
        authorization = f"Bearer {issuer.sign('ES256')}"
        assert tokens.cached_user(authorization) is None  # the service must ask the issuer first
        user = tokens.authenticate({"authorization": authorization})
        assert tokens.cached_user(authorization) == user
        assert tokens.cached_user(f"Bearer {issuer.sign('RS256')}") is None
    monkeypatch.setattr("handlers.edge.auth.jwks.REFRESH_AFTER_S", 0)
    monkeypatch.setattr("handlers.edge.auth.jwks.REFRESH_EVERY_S", 0)
    assert tokens.cached_user(authorization) is None  # the keys are to be read again
    assert issuer.calls == 1


def test_an_expired_token_has_no_cached_user(
    tokens: Authenticator, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorization = f"Bearer {issuer.sign('ES256')}"
    tokens.authenticate({"authorization": authorization})
    after = good_claims()["exp"] + LEEWAY_S_DEFAULT + 1
    monkeypatch.setattr("handlers.edge.auth.authenticator.time.time", lambda: after)
    assert tokens.cached_user(authorization) is None
