"""The keys in an issuer's response (JWK Set, RFC 7517): those that can verify our tokens.

A key with odd members costs that key only: the others are used.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import jwt

from handlers import log

Keys = dict[str, jwt.PyJWK]

# An issuer's name for a key; known ones have 6 to 64 characters.
KEY_ID_LENGTH_MAX = 256
# base64url of 8192 bits. A longer RSA key makes each verification slow, and known issuers have
# 2048 to 4096 bits.
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,1366}={0,2}")
# base64url of 32 bits; nearly all keys have 65537.
EXPONENT_LENGTH_MAX = 6
RSA_BITS_MIN = 2048  # RFC 7518, section 3.3
# Of each type of key: its algorithm, and the members that make the key.
ALGORITHMS = {"RSA": ("RS256", ("n", "e")), "EC": ("ES256", ("crv", "x", "y"))}
# A key that the issuer publishes again is the same object, so tokens that it verified stay known.
KEYS_KNOWN = 64


class OddKeyError(Exception):
    """A key of the issuer is meant for our tokens, but has members that make no such key."""


def signing_keys(body: bytes) -> Keys:
    """Return the keys by their id; raise ValueError or RecursionError for a response without any.

    Of two keys with one id the first counts.
    """
    found = json.loads(body)
    members = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(members, list):
        message = "the response is no set of keys"
        raise ValueError(message)  # noqa: TRY004 - one type of error for every bad response
    keys: Keys = {}
    odd = 0
    for member in members:
        try:
            if _is_for_us(member):
                keys.setdefault(member["kid"], _key(member))
        except OddKeyError:
            odd += 1
    if odd:
        log.warning("odd keys of the issuer are left out", {"odd": odd, "used": len(keys)})
    if not keys:
        message = "the response has no key for RS256 or ES256"
        raise ValueError(message)
    return keys


def _is_for_us(member: Any) -> bool:
    """Return whether a key claims to be for signatures of RS256 or ES256."""
    if not isinstance(member, dict):
        raise OddKeyError
    kind = member.get("kty")
    if not isinstance(kind, str) or not _is_key_id(member.get("kid")):
        raise OddKeyError
    if kind not in ALGORITHMS or member.get("crv", "P-256") != "P-256":
        return False
    uses = member.get("key_ops", ["verify"])
    return (
        member.get("use", "sig") == "sig"
        and member.get("alg", ALGORITHMS[kind][0]) == ALGORITHMS[kind][0]
        and isinstance(uses, list)
        and "verify" in uses
    )


def _is_key_id(kid: object) -> bool:
    return isinstance(kid, str) and 0 < len(kid) <= KEY_ID_LENGTH_MAX


def _key(member: dict[str, Any]) -> jwt.PyJWK:
    if "d" in member:
        raise OddKeyError  # a private key: everybody who reads the set can sign with it
    kind = member["kty"]
    numbers = [(name, member.get(name)) for name in ALGORITHMS[kind][1]]
    if not all(isinstance(text, str) and NUMBER.fullmatch(text) for _, text in numbers):
        raise OddKeyError
    if kind == "RSA" and len(member["e"]) > EXPONENT_LENGTH_MAX:
        raise OddKeyError
    try:
        key = _parsed(member["kid"], kind, *numbers)
    except (jwt.PyJWTError, ValueError) as error:
        raise OddKeyError from error
    if kind == "RSA" and key.key.key_size < RSA_BITS_MIN:
        raise OddKeyError
    return key


@lru_cache(KEYS_KNOWN)
def _parsed(kid: str, kind: str, *numbers: tuple[str, str]) -> jwt.PyJWK:
    # Only these members: the library reads others, and fails at odd ones in many ways.
    return jwt.PyJWK({"kid": kid, "kty": kind, **dict(numbers)}, ALGORITHMS[kind][0])
