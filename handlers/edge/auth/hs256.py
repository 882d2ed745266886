"""HS256 tokens of the simplest form, verified in a tenth of the time that PyJWT takes.

PyJWT handles every form that a token may have, character by character; for a new applicant that
takes longer than everything else together. But nearly all tokens are alike: the same few bytes of
header, and a few claims of the simplest types. Such a token is accepted here, by the same rules.
PyJWT decides about all others and all invalid ones: this module only accepts, it never rejects.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.token_rules import TokenRules

# The current, the previous and the next secret; more only in tests.
SECRETS_KNOWN = 8
# Random text as password managers and Secrets Manager make it. No form of a public key is like it:
# PEM and JWK have spaces, quotes or braces, SSH has these prefixes, and DER begins with a 0.
PLAIN_SECRET = re.compile(r"(?!0|ssh-|ecdsa-)[A-Za-z0-9+/=_.~-]+")
TO_BASE64URL = bytes.maketrans(b"+/", b"-_")
FROM_BASE64URL = bytes.maketrans(b"-_+/=", b"+/   ")  # a blank is in no base64
# What json.loads calls, for text without blanks around it: PyJWT decides about other text.
_object_at: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode
# An issuer uses one header; headers that are not cached are parsed again.
HEADERS_KNOWN = 16
PLAIN_HEADERS = (
    {"alg": "HS256", "typ": "JWT"},
    {"alg": "HS256"},
    {"alg": "HS256", "typ": "at+jwt"},
)
# Without `nbf` and a list as `aud`: PyJWT and claims.py have further checks for those.
PLAIN_CLAIMS = {"sub", "exp", "iat", "iss", "jti", "aud", "scope", "scp", "permissions"}


def claims(token: str, secret: str, rules: TokenRules) -> dict[str, Any] | None:
    """Return the claims of a plain token that the rules accept now; None: PyJWT must decide.

    Raises jwt.InvalidKeyError where PyJWT would, for a secret that looks like a public key.
    """
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    if not _is_plain(header):
        return None
    try:
        expected = _base64url(hmac.digest(_examined(secret), signed.encode("ascii"), "sha256"))
        if not hmac.compare_digest(expected, signature.encode("ascii")):
            return None
        text = _decoded(payload).decode()
        found, end = _object_at(text, 0)
    except (ValueError, RecursionError):
        return None
    is_whole = end == len(text) and type(found) is dict
    return found if is_whole and _are_plain(found, rules) else None


def _are_plain(found: dict[str, Any], rules: TokenRules) -> bool:
    """Return whether all claims are of the simplest types and the rules accept them now."""
    if not found.keys() <= PLAIN_CLAIMS:
        return False
    issuer = found.get("iss", "")
    if not type(found.get("sub")) is type(issuer) is type(found.get("jti", "")) is str:
        return False
    if rules.issuer and issuer != rules.issuer:
        return False
    if (found.get("aud") != rules.audience) if rules.audience else ("aud" in found):
        return False
    now, leeway_s = int(time.time()), rules.leeway_s
    expires_at, issued_at = found.get("exp"), found.get("iat", now)
    # Exactly int: PyJWT also accepts true as 1, and some strings as numbers.
    return (
        type(expires_at) is type(issued_at) is int
        and issued_at - leeway_s <= now < expires_at + leeway_s
        and expires_at - issued_at <= rules.max_life_s + leeway_s
    )


@lru_cache(HEADERS_KNOWN)
def _is_plain(header: str) -> bool:
    try:
        return json.loads(_decoded(header)) in PLAIN_HEADERS
    except (ValueError, RecursionError):
        return False


@lru_cache(SECRETS_KNOWN)
def _examined(secret: str) -> bytes:
    """Return the secret as bytes, once it is certain that it is not a public key."""
    if PLAIN_SECRET.fullmatch(secret):
        return secret.encode()
    from jwt.algorithms import HMACAlgorithm  # noqa: PLC0415 - with cryptography: only if used

    return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)


def _decoded(segment: str) -> bytes:
    """Decode base64url without padding (RFC 7515); raise ValueError for any other character."""
    encoded = segment.encode("ascii").translate(FROM_BASE64URL)
    return a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).rstrip(b"=").translate(TO_BASE64URL)
