"""Who is asking: bearer tokens (JWT, RFC 7519), by a shared secret or an issuer's keys."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import jwt

from handlers.domain.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from handlers.domain.identifiers import is_user_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.config import Settings

ADMIN_SCOPE = "coupon:admin"
# A signature check takes microseconds, so a longer token only costs; RS256 with many claims fits.
TOKEN_LENGTH_MAX = 8192
JWKS_TIMEOUT_S = 3
JWKS_LIFESPAN_S = 300
NO_KEYS = "the issuer's keys cannot be read right now"


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user."""

    id: str
    scopes: frozenset[str]


class Tokens:
    """Checks bearer tokens. Which algorithms count is decided by the settings, never by a token."""

    def __init__(self, settings: Settings) -> None:
        self._lock = Lock()  # one call to the issuer at a time
        self._secret = settings.auth_jwt_secret
        self._algorithms = ["HS256"] if self._secret else ["RS256", "ES256"]
        self._keys = (
            None
            if self._secret
            else jwt.PyJWKClient(
                settings.auth_jwks_url, timeout=JWKS_TIMEOUT_S, lifespan=JWKS_LIFESPAN_S
            )
        )

    def user(self, headers: Mapping[str, str]) -> User:
        """Return the user of the Authorization header; raise UnauthenticatedError."""
        claims = self._claims(_bearer(headers))
        if isinstance(claims["exp"], str):  # PyJWT would read digits in any script as a number
            message = "the token's exp is no number"
            raise UnauthenticatedError(message)
        subject = claims["sub"]
        if not is_user_id(subject):
            message = "the token's sub is no user id of 1 to 64 printable ASCII characters"
            raise UnauthenticatedError(message)
        scope = claims.get("scope")
        return User(subject, frozenset(scope.split()) if isinstance(scope, str) else frozenset())

    def admin(self, headers: Mapping[str, str]) -> User:
        """Return the user when the token carries the admin scope; raise ForbiddenError."""
        user = self.user(headers)
        if ADMIN_SCOPE not in user.scopes:
            raise ForbiddenError
        return user

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self._key(token),
                algorithms=self._algorithms,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise UnavailableError(NO_KEYS) from error
        except jwt.ExpiredSignatureError as error:
            message = "the token has expired"
            raise UnauthenticatedError(message) from error
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            message = "the token is not valid"
            raise UnauthenticatedError(message) from error

    def _key(self, token: str) -> str | jwt.PyJWK:
        if self._keys is None:
            return self._secret
        jwt.get_unverified_header(token)  # a malformed token is not worth a call to the issuer
        try:
            with self._lock:
                self._keys.get_signing_keys()  # those of the last minutes, or asked for now
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise UnavailableError(NO_KEYS) from error
        # The key with the algorithm that it is for: a token must not name another one.
        return self._keys.get_signing_key_from_jwt(token)


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LENGTH_MAX:
        raise UnauthenticatedError
    return token
