"""HS256 for PyJWT, without what need not be done for every token.

PyJWT looks at each verification whether the secret might be a public key in one of five forms, by
trying to parse it as each: an attack on carelessly configured verifiers. That and Python's own HMAC
object take half of the time of a verification.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

import jwt
from jwt.algorithms import HMACAlgorithm

NAME = "HS256"
# The secret, the one before it, and the next one; more only in tests.
SECRETS_KNOWN = 8


class Hs256(HMACAlgorithm):
    """The library's algorithm; a secret is examined when it is first seen."""

    def prepare_key(self, key: str | bytes) -> bytes:
        """Return the secret as bytes; raise jwt.InvalidKeyError for what is no secret."""
        return _examined(key)

    def sign(self, msg: bytes, key: bytes) -> bytes:
        """Return the signature of `msg`."""
        return hmac.digest(key, msg, "sha256")


@lru_cache(SECRETS_KNOWN)
def _examined(key: str | bytes) -> bytes:
    return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(key)


def install() -> None:
    """Let PyJWT use it, in this process; harmless when it does already."""
    jwt.unregister_algorithm(NAME)
    jwt.register_algorithm(NAME, Hs256(HMACAlgorithm.SHA256))
