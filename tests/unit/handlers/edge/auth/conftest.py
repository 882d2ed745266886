"""An issuer of tokens, with its keys served over HTTP, and a check of any claims."""

from __future__ import annotations

import dataclasses
import hmac
from typing import TYPE_CHECKING, Any

import pytest
from jwt.algorithms import ECAlgorithm

from handlers.domain.errors import ForbiddenError, UnauthenticatedError
from handlers.edge.auth import hs256
from handlers.edge.auth.authenticator import Authenticator
from tests.support.issuer import OUR_RULES, SECRET, Issuer, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings
    from handlers.token_rules import TokenRules

    Check = Callable[..., str]


@pytest.fixture(scope="session")
def made_issuer() -> Issuer:
    return Issuer()  # once: RSA keys take their time


@pytest.fixture
def issuer(made_issuer: Issuer) -> Iterator[Issuer]:
    answer, made_issuer.calls = made_issuer.answer, 0
    yield made_issuer
    made_issuer.answer = answer


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
            rules: TokenRules = OUR_RULES,
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


def _with_our_secret(signed: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), signed, "sha256")
