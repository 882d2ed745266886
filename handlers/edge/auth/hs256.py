"""HS256 tokens of the plainest form, verified in a tenth of the time that PyJWT takes.

PyJWT looks at all that a token may be, one character after the other; for a new applicant that is
longer than everything else together. But nearly all tokens are alike: the same few bytes of header,
and a handful of claims of the plainest types. Such a one is accepted here, by the same rules.
Whatever is otherwise, or wrong, is PyJWT's to judge: this is quick to say yes and never says no.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

from jwt.algorithms import HMACAlgorithm

# The secret, the one before it, and the next one; more only in tests.
SECRETS_KNOWN = 8
# An issuer has one header; what else comes is looked at anew.
HEADERS_KNOWN = 16
PLAIN_HEADERS = ({"alg": "HS256", "typ": "JWT"}, {"alg": "HS256"})
# Not `aud` and `nbf`: PyJWT has more to say of those.
PLAIN_CLAIMS = {"sub", "exp", "iat", "iss", "jti", "scope"}
TEXTS = ("sub", "iss", "jti")


def claims(token: str, secret: str) -> dict[str, Any] | None:
    """Return the claims of a plain token that is good at this moment; None: let PyJWT judge.

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
        found = json.loads(_decoded(payload).decode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _are_plain(found) else None


def _are_plain(found: dict[str, Any]) -> bool:
    """Tell whether these are claims of the plainest types, of a token that is good now."""
    if not found.keys() <= PLAIN_CLAIMS or "sub" not in found:
        return False
    if not all(isinstance(found[name], str) for name in TEXTS if name in found):
        return False
    now, expires_at, issued_at = time.time(), found.get("exp"), found.get("iat", 0)
    # Of exactly this type: PyJWT takes true for 1, and some texts for numbers.
    return type(expires_at) is type(issued_at) is int and issued_at <= now < expires_at


@lru_cache(HEADERS_KNOWN)
def _is_plain(header: str) -> bool:
    try:
        return json.loads(_decoded(header)) in PLAIN_HEADERS
    except (ValueError, RecursionError):
        return False


@lru_cache(SECRETS_KNOWN)
def _examined(secret: str) -> bytes:
    """Return the secret as bytes, after the library has tried to parse it as several keys."""
    return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)


def _decoded(segment: str) -> bytes:
    """Decode what is exactly as RFC 7515 has it; raise ValueError for anything else."""
    decoded = urlsafe_b64decode(segment + "==")
    if _base64url(decoded) != segment.encode("ascii"):
        message = "no base64url"
        raise ValueError(message)
    return decoded


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
