"""What a token says: whether it is for this service, and with what rights.

The rules are those of RFC 7519 and 8725. PyJWT has checked signature and times before.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt

from handlers.domain.errors import UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.token_rules import TokenRules

# RFC 8725, section 3.11: the type keeps tokens of other purposes apart, such as proofs of DPoP
# (dpop+jwt), messages that a session ended (logout+jwt) and security events (secevent+jwt).
TYPES = {"jwt", "at+jwt"}
OTHER_TYPE = "the token's typ is that of another purpose"
EVENT = "the token is a message about an event, not a user's"
OTHER_ISSUER = "the token's iss is not the issuer that this service trusts"
OTHER_AUDIENCE = "the token's aud is not this service"
TIMES = ("exp", "iat", "nbf")
NUMBERS = {int, float}
# Issuers give few different sets of scopes.
SCOPES_KNOWN = 64


def check(header: Mapping[str, Any], claims: Mapping[str, Any], rules: TokenRules) -> None:
    """Raise UnauthenticatedError, which says what is wrong, unless the token is for this service.

    Its signature is good and its times are valid now; `claims` has `exp`.
    """
    _check_kind(header, claims)
    _check_use(claims, rules)


def unverified(token: str) -> dict[str, Any]:
    """Return the claims of a token that was verified before; never of any other."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def scopes(claims: Mapping[str, Any], names: tuple[str, ...]) -> frozenset[str]:
    """Return the scopes in the claims of these names: each a text with spaces, or a list."""
    found: list[str] = []
    for name in names:
        if name in claims:
            value = claims[name]
            found += value.split() if isinstance(value, str) else _texts(value)
    return _shared(tuple(found))


@lru_cache(SCOPES_KNOWN)
def _shared(scopes: tuple[str, ...]) -> frozenset[str]:
    """Return one object for all users with the same scopes: ten thousand users are kept."""
    return frozenset(scopes)


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    if "typ" in header and header["typ"] != "JWT" and not _is_of_our_type(header["typ"]):
        raise UnauthenticatedError(OTHER_TYPE)
    if "events" in claims:  # RFC 8417; messages about sessions often have no type of their own
        raise UnauthenticatedError(EVENT)
    for name in TIMES:
        # PyJWT also takes true as 1, and text of digits in any script.
        if name in claims and type(claims[name]) not in NUMBERS:
            message = f"the token's {name} is no number"
            raise UnauthenticatedError(message)


def _check_use(claims: Mapping[str, Any], rules: TokenRules) -> None:
    if rules.issuer and claims.get("iss") != rules.issuer:
        raise UnauthenticatedError(OTHER_ISSUER)
    if not _is_for_us(claims, rules.audience):
        raise UnauthenticatedError(OTHER_AUDIENCE)
    # Whole numbers: a float cannot be taken from an integer of hundreds of digits.
    life_s = int(claims["exp"]) - int(claims.get("iat", time.time()))
    if life_s > rules.max_life_s + rules.leeway_s:
        message = (
            f"the token's exp is too far away: a token may live for {rules.max_life_s} seconds"
        )
        raise UnauthenticatedError(message)


def _is_of_our_type(name: object) -> bool:
    # RFC 7515, section 4.1.9: a media type, in any case, and "application/" may be left out.
    return isinstance(name, str) and name.lower().removeprefix("application/") in TYPES


def _is_for_us(claims: Mapping[str, Any], audience: str) -> bool:
    """Return whether `aud` names the audience; without `aud`, `client_id` may.

    Access tokens of Cognito have no `aud`; API Gateway's own authorizer reads `client_id` then.
    """
    if "aud" not in claims:
        return not audience or claims.get("client_id") == audience
    aud = claims["aud"]
    if isinstance(aud, str):
        return bool(audience) and aud == audience
    is_list = isinstance(aud, list) and all(isinstance(name, str) for name in aud)
    return is_list and bool(audience) and audience in aud
