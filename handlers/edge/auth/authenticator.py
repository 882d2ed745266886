"""Authenticates bearer tokens (JWT, RFC 7519) with a shared secret or an issuer's keys."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import jwt

from handlers.domain.errors import ForbiddenError, UnauthenticatedError
from handlers.domain.identifiers import is_user_id
from handlers.edge.auth import claims as token_claims
from handlers.edge.auth import hs256
from handlers.edge.auth.scopes import ADMIN_SCOPE
from handlers.edge.auth.token_cache import CachedToken, TokenCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jwt.types import Options

    from handlers.config import Settings
    from handlers.edge.auth.jwks import JwksCache
    from handlers.token_rules import TokenRules

    Key = str | jwt.PyJWK
    Checked = tuple[dict[str, Any], Key]  # a token's claims, and the key that verified it


# A signature check takes microseconds; a longer token only adds cost. RS256 with many claims fits.
TOKEN_LENGTH_MAX = 8192
INVALID = "the token is not valid"
EXPIRED = "the token has expired"
TOO_EARLY = "the token is not valid yet"
# `aud` and `iss` are checked in claims.py.
OPTIONS: Options = {"require": ["exp", "sub"], "verify_aud": False, "verify_iss": False}
UNSIGNED: Options = {
    **OPTIONS,
    "verify_signature": False,
    "verify_exp": True,
    "verify_nbf": True,
    "verify_iat": True,
}
ISSUERS_ALGORITHMS = ["RS256", "ES256"]


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user, with the verified token."""

    id: str
    scopes: frozenset[str]
    token: str = field(default="", repr=False, compare=False)

    @property
    def claims(self) -> Mapping[str, Any]:
        """All claims of the token. Few campaigns ask for them, and kept ones take a kilobyte."""
        return token_claims.unverified(self.token) if self.token else {}


class RotatingSecret(Protocol):
    """A secret that may be rotated while the service runs."""

    def current(self) -> str:
        """Return the secret."""

    def previous(self, good_for_s: float) -> str | None:
        """Return the secret before the last rotation, if that was less than `good_for_s` ago.

        Tokens may still be signed with it.
        """

    def renew(self) -> bool:
        """Look for a new secret, not too often; return whether there is one."""


class Authenticator:
    """Checks bearer tokens. The settings decide which algorithms are allowed, never the token."""

    def __init__(self, settings: Settings, secret: RotatingSecret | None = None) -> None:
        """Take `secret` where the settings give an id (AUTH_JWT_SECRET_ID), not the secret."""
        self._issuer = _issuer(settings.auth_jwks_url) if settings.auth_jwks_url else None
        self._rules = settings.token_rules
        self._secret = settings.auth_jwt_secret
        self._rotating = secret
        self._verified: TokenCache[User, Key] = TokenCache()

    def prepare(self) -> None:
        """Import PyJWT before a token needs it; without I/O."""
        _ = jwt.PyJWTError

    def warm_up(self) -> None:
        """Begin to read the issuer's keys, before the first request has to wait for them."""
        if self._issuer:
            self._issuer.begin()
            self.prepare()  # every token of an issuer needs it

    def authenticate(self, headers: Mapping[str, str]) -> User:
        """Return the user of the Authorization header; raise UnauthenticatedError."""
        return self._user(_bearer(headers.get("authorization", "")))

    def cached_user(self, authorization: str) -> User | None:
        """Return the user of a header with a valid token where that needs no I/O.

        None: call `authenticate`, which may read the issuer's keys or a secret again, and which
        raises the error of an invalid token.
        """
        try:
            token = _bearer(authorization)
            if not self._issuer and not self._rotating:
                return self._user(token)
        except UnauthenticatedError:
            return None
        known = self._verified.get(token)
        if known is None or known.expires_at_s <= time.time() or not self._issuer:
            return None
        is_in_use = self._issuer.kept(_key_id(known.key)) is known.key
        return known.user if is_in_use else None

    def require_admin(self, headers: Mapping[str, str]) -> User:
        """Return the user when the token carries the admin scope; raise ForbiddenError."""
        user = self.authenticate(headers)
        if ADMIN_SCOPE not in user.scopes:
            raise ForbiddenError
        return user

    def require_scope(self, headers: Mapping[str, str], scope: str) -> User:
        """Return the user when the token carries `scope` or the admin scope; raise as above."""
        user = self.authenticate(headers)
        if user.scopes.isdisjoint((scope, ADMIN_SCOPE)):
            message = f"This call needs the scope {scope}."
            raise ForbiddenError(message)
        return user

    def _user(self, token: str) -> User:
        known = self._verified.get(token)
        if known is None or not self._is_in_use(known.key):
            known = self._verify(token)
            self._verified.keep(token, known)
        elif known.expires_at_s <= time.time():
            raise UnauthenticatedError(EXPIRED)
        return known.user

    def _is_in_use(self, key: Key) -> bool:
        """Return whether a new token with that key would be accepted now."""
        if self._issuer:
            # A key that the issuer has changed is another object, under the same id.
            return self._issuer.key(_key_id(key)) is key
        if self._rotating:
            return key == self._rotating.current() or key == self._previous(self._rotating)
        return True

    def _verify(self, token: str) -> CachedToken[User, Key]:
        claims, key = self._claims(token)
        subject = claims["sub"]
        if not is_user_id(subject):
            message = "the token's sub is no user id of 1 to 64 printable ASCII characters"
            raise UnauthenticatedError(message)
        scopes = token_claims.scopes(claims, self._rules.scope_claims)
        expires_at_s = int(claims["exp"]) + self._rules.leeway_s
        return CachedToken(User(subject, scopes, token), expires_at_s, key)

    def _claims(self, token: str) -> Checked:
        try:
            if self._issuer:
                key = _issued_key(self._issuer, token, self._rules)
                return _decoded(token, key, ISSUERS_ALGORITHMS, self._rules), key
            if self._rotating:
                return self._claims_of_rotating(self._rotating, token)
            return self._of_secret(token, self._secret)
        except jwt.ExpiredSignatureError as error:
            raise UnauthenticatedError(EXPIRED) from error
        except jwt.ImmatureSignatureError as error:
            raise UnauthenticatedError(TOO_EARLY) from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise UnauthenticatedError(INVALID) from error

    def _of_secret(self, token: str, secret: str) -> Checked:
        claims = hs256.claims(token, secret, self._rules)
        return claims or _decoded(token, secret, ["HS256"], self._rules), secret

    def _claims_of_rotating(self, secret: RotatingSecret, token: str) -> Checked:
        """Try the current secret, then the previous one, then a newly rotated one."""
        for read in (secret.current, partial(self._previous, secret)):
            known = read()
            if known is not None:
                with suppress(jwt.InvalidSignatureError):
                    return self._of_secret(token, known)
        if not secret.renew():
            raise jwt.InvalidSignatureError
        return self._of_secret(token, secret.current())

    def _previous(self, secret: RotatingSecret) -> str | None:
        return secret.previous(self._rules.previous_secret_s)


def _decoded(
    token: str, key: Key, algorithms: list[str], rules: TokenRules, options: Options = OPTIONS
) -> dict[str, Any]:
    found = jwt.decode_complete(
        token, key, algorithms=algorithms, options=options, leeway=rules.leeway_s
    )
    claims: dict[str, Any] = found["payload"]
    token_claims.check(found["header"], claims, rules)
    return claims


def _issuer(url: str) -> JwksCache:
    from handlers.edge.auth.jwks import JwksCache  # noqa: PLC0415 - an HTTP client, and PyJWT

    return JwksCache(url)


def _issued_key(issuer: JwksCache, token: str, rules: TokenRules) -> jwt.PyJWK:
    header = jwt.get_unverified_header(token)
    kid = header.get("kid")
    if not isinstance(kid, str) or header.get("alg") not in ISSUERS_ALGORITHMS:
        message = "no key of an issuer"
        raise jwt.InvalidKeyError(message)
    if not issuer.knows(kid):
        # The issuer is not asked about a token that has expired, or that is another issuer's.
        _decoded(token, "", ISSUERS_ALGORITHMS, rules, UNSIGNED)
    key = issuer.key(kid)
    if key is None:
        message = "the issuer has no such key"
        raise jwt.InvalidKeyError(message)
    # A PyJWK carries its own algorithm: a token must not choose another one.
    return key


def _key_id(key: Key) -> str:
    return str(key.key_id) if isinstance(key, jwt.PyJWK) else ""


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        raise UnauthenticatedError
    return token
