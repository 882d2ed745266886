"""What is cached of valid tokens, and what invalidates it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from handlers.domain.errors import UnauthenticatedError
from handlers.edge.auth import authenticator as tokens_module
from handlers.edge.auth import hs256
from handlers.edge.auth import token_cache as verified_tokens
from handlers.edge.auth.authenticator import Authenticator
from handlers.edge.auth.jwks import LIFESPAN_S
from handlers.edge.auth.token_cache import KEPT_S, CachedToken, TokenCache
from tests.support.clock import ManualClock
from tests.support.issuer import Issuer, good_claims, signed
from tests.unit.handlers.edge.auth.test_issuer import tokens_of as tokens_of_issuer
from tests.unit.handlers.edge.auth.test_rotating_secret import NEXT, NOW, OLD, Rotating
from tests.unit.handlers.edge.auth.test_rotating_secret import tokens_of as tokens_of_secret

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.token_rules import TokenRules


class Verifications:
    """Counts how often a token is accepted again, or decoded by PyJWT."""

    def __init__(self) -> None:
        self.count = 0

    def decode(self, *args: Any, **options: Any) -> Any:
        self.count += options["options"].get("verify_signature", True)
        return jwt.decode_complete(*args, **options)

    def claims(self, token: str, secret: str, rules: TokenRules) -> dict[str, Any] | None:
        found = hs256.claims(token, secret, rules)
        self.count += found is not None
        return found


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> Verifications:
    counted = Verifications()
    stand_in = SimpleNamespace(**{**vars(jwt), "decode_complete": counted.decode})
    monkeypatch.setattr(tokens_module, "jwt", stand_in)
    monkeypatch.setattr(tokens_module, "hs256", SimpleNamespace(claims=counted.claims))
    return counted


def user(tokens: Authenticator, token: str) -> str:
    return tokens.authenticate({"authorization": f"Bearer {token}"}).id


def refusal(tokens: Authenticator, token: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        user(tokens, token)
    return str(caught.value)


def cached(tokens: Authenticator) -> int:
    return len(tokens._verified._tokens)


def let_the_keys_be_old(tokens: Authenticator) -> None:
    keys = tokens._issuer
    assert keys
    old = keys._clock() - LIFESPAN_S
    keys._known = keys._known._replace(asked_at=old)
    keys._question = keys._question._replace(asked_at=old)


def test_a_token_that_comes_again_is_not_verified_again(
    service_settings: Settings, verifications: Verifications
) -> None:
    tokens = Authenticator(service_settings)
    token = signed(good_claims() | {"scope": "coupon:admin"})
    for _ in range(3):
        assert tokens.require_admin({"authorization": f"bearer  {token} "}).id == "42"
    assert verifications.count == 1


def test_a_token_that_is_known_expires_all_the_same(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Authenticator(service_settings)
    expires_at = int(time.time()) + 600
    token = signed({"sub": "42", "exp": expires_at})
    assert user(tokens, token) == "42"
    end = expires_at + service_settings.token_rules.leeway_s
    clock = SimpleNamespace(time=lambda: end - 0.001)
    monkeypatch.setattr(tokens_module, "time", clock)
    assert user(tokens, token) == "42"
    clock.time = lambda: float(end)
    assert refusal(tokens, token) == "the token has expired"


def test_what_differs_in_one_character_is_another_token(service_settings: Settings) -> None:
    tokens = Authenticator(service_settings)
    token = signed(good_claims())
    assert user(tokens, token) == "42"
    head, signature = token[:-43], token[-43:]
    other = "A" if signature[0] != "A" else "B"
    assert refusal(tokens, head + other + signature[1:]) == "the token is not valid"
    assert refusal(tokens, token[:-1]) == "the token is not valid"
    assert cached(tokens) == 1


def test_nothing_is_cached_of_tokens_that_are_refused(service_settings: Settings) -> None:
    tokens = Authenticator(service_settings)
    for token in (
        "a.b.c",
        signed(good_claims(), "forged-secret-of-32-bytes-or-more-00"),
        signed(good_claims() | {"exp": 1}),
        signed(good_claims() | {"exp": "4000000000"}),
        signed(good_claims() | {"sub": "no user"}),
    ):
        refusal(tokens, token)
    assert cached(tokens) == 0


def test_the_memory_is_bounded(service_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified_tokens, "TOKENS_MAX", 3)
    tokens = Authenticator(service_settings)
    for number in range(10):
        assert user(tokens, signed(good_claims() | {"sub": str(number)})) == str(number)
        assert 1 <= cached(tokens) <= 3
    long = signed(good_claims() | {"pad": "x" * verified_tokens.TOKEN_LENGTH_MAX})
    before = cached(tokens)
    assert user(tokens, long) == "42"
    assert cached(tokens) == before


def test_many_threads_each_get_their_own_user(
    service_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified_tokens, "TOKENS_MAX", 5)
    tokens = Authenticator(service_settings)
    owners = [str(number % 8) for number in range(400)]
    signed_for = {owner: signed(good_claims() | {"sub": owner}) for owner in owners}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda owner: user(tokens, signed_for[owner]), owners)) == owners
    assert cached(tokens) <= 5


def test_a_token_is_worth_nothing_once_its_secret_is_withdrawn(service_settings: Settings) -> None:
    secret = Rotating([OLD, NOW], [OLD, NOW])
    tokens = tokens_of_secret(service_settings, secret)
    of_old, of_now = signed(good_claims(), OLD), signed(good_claims(), NOW)
    assert user(tokens, of_old) == user(tokens, of_now) == "42"
    secret.latest = secret.known = [NOW, NEXT]
    assert refusal(tokens, of_old) == "the token is not valid"
    assert user(tokens, of_now) == "42"
    secret.latest = secret.known = [NEXT]
    assert refusal(tokens, of_now) == "the token is not valid"


def test_a_token_of_the_secret_before_is_not_verified_again(
    service_settings: Settings, verifications: Verifications
) -> None:
    secret = Rotating([OLD, NOW], [OLD, NOW])
    tokens = tokens_of_secret(service_settings, secret)
    token = signed(good_claims(), NOW)
    assert user(tokens, token) == "42"
    secret.latest = secret.known = [NOW, NEXT]
    assert user(tokens, token) == "42"
    assert verifications.count == 1


def test_a_token_is_worth_nothing_once_the_issuer_withdraws_its_key(
    service_settings: Settings,
) -> None:
    issuer = Issuer()
    keys = json.loads(issuer.answer[1])["keys"]
    with issuer.served() as url:
        tokens = tokens_of_issuer(service_settings, url)
        of_rsa, of_ec = issuer.sign("RS256"), issuer.sign("ES256")
        assert user(tokens, of_rsa) == user(tokens, of_ec) == "42"
        issuer.answer = (200, json.dumps({"keys": keys[1:]}).encode())
        assert user(tokens, of_rsa) == "42"  # the keys need no refresh yet
        let_the_keys_be_old(tokens)
        assert refusal(tokens, of_rsa) == "the token is not valid"
        assert user(tokens, of_ec) == "42"


def test_a_token_is_not_verified_again_when_the_issuer_publishes_the_same_key_again(
    service_settings: Settings, verifications: Verifications
) -> None:
    issuer = Issuer()
    with issuer.served() as url:
        tokens = tokens_of_issuer(service_settings, url)
        token = issuer.sign("ES256")
        for _ in range(3):
            assert user(tokens, token) == "42"
            let_the_keys_be_old(tokens)
        assert verifications.count == 1
        assert issuer.calls == 3


def test_a_key_of_the_same_name_is_another_key(service_settings: Settings) -> None:
    issuer, successor = Issuer(), Issuer()
    with issuer.served() as url:
        tokens = tokens_of_issuer(service_settings, url)
        token = issuer.sign("ES256")
        assert user(tokens, token) == "42"
        issuer.answer = successor.answer
        let_the_keys_be_old(tokens)
        assert refusal(tokens, token) == "the token is not valid"
        assert user(tokens, successor.sign("ES256")) == "42"


def test_an_hour_later_the_next_new_token_clears_the_cache() -> None:
    clock = ManualClock()
    cache: TokenCache[str, str] = TokenCache(clock)
    cache.keep("one", CachedToken("42", 10, "key"))
    clock.now_s += KEPT_S - 1
    cache.keep("two", CachedToken("43", 10, "key"))
    assert cache.get("one")
    clock.now_s += 1
    cache.keep("three", CachedToken("44", 10, "key"))
    assert (cache.get("one"), cache.get("two")) == (None, None)
    assert cache.get("three")
