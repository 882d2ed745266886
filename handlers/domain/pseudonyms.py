"""Pseudonyms: what is left of a user who was erased, a keyed hash in place of the id."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# Separates this key from that of the coupon codes, which comes from the same secret.
PURPOSE = b"seonchak: pseudonym of an erased user"
PREFIX = "erased-"
# Both fill whole characters of base32. 120 bits: two users never share one.
NAME_BYTES, PROOF_BYTES = 15, 5
NAME_LENGTH, PROOF_LENGTH = 24, 8


class Renamed(NamedTuple):
    """A user who was erased: the serial that Redis had for the id, and what is there instead.

    Serials are 0 where there is none.
    """

    user_id: str
    seen_serial: int
    pseudonym: str
    serial: int


class Pseudonyms:
    """Makes the pseudonyms of one secret: valid user ids of 39 characters.

    One for each campaign and user, so that two campaigns' coupons do not show that one person had
    both. Without the secret none can be traced back to a user, also where all users are known.
    """

    def __init__(self, secret: Callable[[], str]) -> None:
        """Take the secret as a function: most processes never need it."""
        self._secret = secret
        self._derived: bytes | None = None

    def of(self, campaign_id: str, user_id: str) -> str:
        """Return a user's pseudonym in a campaign."""
        # No campaign id has a ":", so no two owners share a text.
        name = _text(self._mac(f"name:{campaign_id}:{user_id}".encode())[:NAME_BYTES])
        return f"{PREFIX}{name}{self._proof(name)}"

    def made(self, user_id: str) -> bool:
        """Return whether `user_id` is one of these pseudonyms: no user can make up a valid one."""
        name, proof = user_id[len(PREFIX) : -PROOF_LENGTH], user_id[-PROOF_LENGTH:]
        if not user_id.startswith(PREFIX) or len(name) != NAME_LENGTH:
            return False
        return hmac.compare_digest(proof.encode(), self._proof(name).encode())

    def digest(self, data: bytes) -> str:
        """Return a keyed hash of bytes that are erased: it recognises them when they come again."""
        return _text(self._mac(b"data:" + data)[:NAME_BYTES])

    def _proof(self, name: str) -> str:
        return _text(self._mac(f"proof:{name}".encode())[:PROOF_BYTES])

    def _mac(self, data: bytes) -> bytes:
        if self._derived is None:
            self._derived = hmac.digest(self._secret().encode(), PURPOSE, "sha256")
        return hmac.digest(self._derived, data, "sha256")


def _text(digest: bytes) -> str:
    return base64.b32encode(digest).decode().lower()
