"""authenticator.py with a signing secret that is rotated while the service runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from handlers.domain.errors import UnauthenticatedError, UnavailableError
from handlers.edge.auth.authenticator import Authenticator
from handlers.token_rules import TokenRules
from tests.support.issuer import good_claims, signed

if TYPE_CHECKING:
    from handlers.config import Settings

OLD, NOW, NEXT = (f"{name}-secret-of-32-bytes-or-more-00000" for name in ("old", "now", "next"))


@dataclasses.dataclass
class Rotating:
    """The secrets in Secrets Manager, and those that the service has read."""

    latest: list[str]  # the newest last
    known: list[str]
    renewals: int = 0
    rotated_s_ago: float = 1

    def current(self) -> str:
        if not self.known:
            raise UnavailableError
        return self.known[-1]

    def previous(self, good_for_s: float) -> str | None:
        return self.known[-2] if len(self.known) > 1 and good_for_s > self.rotated_s_ago else None

    def renew(self) -> bool:
        self.renewals += 1
        changed, self.known = self.latest[-1] != self.known[-1], self.latest[-2:]
        return changed


def tokens_of(settings: Settings, secret: Rotating) -> Authenticator:
    named = dataclasses.replace(settings, auth_jwt_secret="", auth_jwt_secret_id="prod/jwt")
    return Authenticator(named, secret)


def user(tokens: Authenticator, secret: str, **claims: object) -> str:
    token = signed(good_claims() | claims, secret)
    return tokens.authenticate({"authorization": f"Bearer {token}"}).id


def test_a_token_of_the_current_secret_asks_no_server(service_settings: Settings) -> None:
    secret = Rotating([OLD, NOW], [OLD, NOW])
    assert user(tokens_of(service_settings, secret), NOW) == "42"
    assert secret.renewals == 0


def test_a_token_of_the_secret_before_is_still_taken(service_settings: Settings) -> None:
    secret = Rotating([OLD, NOW], [OLD, NOW])
    assert user(tokens_of(service_settings, secret), OLD) == "42"
    assert secret.renewals == 0


@pytest.mark.parametrize(("rotated_s_ago", "is_good"), [(599, True), (600, False)])
def test_the_secret_before_is_good_for_the_time_of_its_setting(
    service_settings: Settings, rotated_s_ago: float, *, is_good: bool
) -> None:
    rules = TokenRules(previous_secret_s=600)
    settings = dataclasses.replace(service_settings, token_rules=rules)
    secret = Rotating([OLD, NOW], [OLD, NOW])
    tokens = tokens_of(settings, secret)
    assert user(tokens, OLD) == "42"  # and so the token is known
    secret.rotated_s_ago = rotated_s_ago
    if is_good:
        assert user(tokens, OLD) == "42"
    else:
        with pytest.raises(UnauthenticatedError, match="the token is not valid"):
            user(tokens, OLD)
    assert user(tokens, NOW) == "42"


def test_with_no_time_for_it_the_secret_before_is_never_good(service_settings: Settings) -> None:
    rules = TokenRules(previous_secret_s=0)
    settings = dataclasses.replace(service_settings, token_rules=rules)
    secret = Rotating([OLD, NOW], [OLD, NOW], rotated_s_ago=0)
    with pytest.raises(UnauthenticatedError):
        user(tokens_of(settings, secret), OLD)


def test_a_token_of_a_secret_that_is_newer_than_ours_is_taken(service_settings: Settings) -> None:
    secret = Rotating([OLD, NOW, NEXT], [OLD, NOW])
    tokens = tokens_of(service_settings, secret)
    assert user(tokens, NEXT) == "42"
    assert user(tokens, NOW) == "42"
    with pytest.raises(UnauthenticatedError):
        user(tokens, OLD)


def test_a_forged_token_is_refused_with_any_secret_known(service_settings: Settings) -> None:
    for known in ([NOW], [OLD, NOW], [OLD, NOW, NEXT]):
        tokens = tokens_of(service_settings, Rotating([OLD, NOW, NEXT], known))
        with pytest.raises(UnauthenticatedError, match="the token is not valid"):
            user(tokens, "forged-secret-of-32-bytes-or-more-00")


def test_a_token_that_is_wrong_otherwise_causes_no_read_of_a_new_secret(
    service_settings: Settings,
) -> None:
    secret = Rotating([OLD, NOW], [OLD, NOW])
    tokens = tokens_of(service_settings, secret)
    with pytest.raises(UnauthenticatedError, match="expired"):
        user(tokens, NOW, exp=1)
    with pytest.raises(UnauthenticatedError, match="expired"):
        user(tokens, OLD, exp=1)
    with pytest.raises(UnauthenticatedError):
        tokens.authenticate({"authorization": "Bearer a.b.c"})
    assert secret.renewals == 0


def test_a_secret_that_cannot_be_read_is_not_a_fault_of_the_token(
    service_settings: Settings,
) -> None:
    with pytest.raises(UnavailableError):
        user(tokens_of(service_settings, Rotating([], [])), NOW)


def test_there_is_no_cached_user_since_the_secret_may_have_to_be_read(
    service_settings: Settings,
) -> None:
    secret = Rotating([NOW], [NOW])
    settings = dataclasses.replace(service_settings, auth_jwt_secret="", auth_jwt_secret_id="jwt")
    tokens = Authenticator(settings, secret)
    authorization = f"Bearer {signed(good_claims(), NOW)}"
    assert tokens.authenticate({"authorization": authorization}).id == "42"
    assert tokens.cached_user(authorization) is None
