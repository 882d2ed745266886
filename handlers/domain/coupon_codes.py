"""Coupon codes: 16 characters of Crockford base32 from an HMAC."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CODE_BYTES = 10  # 80 bits are 16 characters of base32, and cannot be guessed
CODE_LENGTH = 16
# Douglas Crockford's base32 (https://www.crockford.com/base32.html): no I, L, O, U to misread.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# From a byte that holds 5 bits to its character.
CHARACTERS = CROCKFORD.encode().ljust(256, b"?")
# HMAC (RFC 2104) over SHA-256.
BLOCK_BYTES = 64
INNER_PAD, OUTER_PAD = 0x36, 0x5C
# Halves of 40, 20, 10, 5 bits, each with the width in bits of its new lane.
SPREADS = ((40, 64), (20, 32), (10, 16), (5, 8))


def former_owner(campaign_id: str, user_id: str, serial: int) -> tuple[str, str]:
    """Return the owner of whom the code of a coupon is once its user has given it back.

    The user's next coupon of the campaign has the code of the one before. No user id has a blank.
    """
    return campaign_id, f" {serial} {user_id}"


class CouponCodes:
    """Makes codes with one secret.

    The same owner always gets the same code, so a redelivery changes nothing; without the
    secret a code cannot be guessed. A campaign id has no ":", so no two owners share an input.
    """

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha256(secret).digest() if len(secret) > BLOCK_BYTES else secret
        key = key.ljust(BLOCK_BYTES, b"\0")
        # Both hashes of the HMAC after their first block: half of its work, the same for all codes.
        self._inner = hashlib.sha256(bytes(byte ^ INNER_PAD for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ OUTER_PAD for byte in key))

    def of(self, owners: Iterable[tuple[str, str]]) -> list[str]:
        """Return the codes of owners (campaign id, user id), from HMAC-SHA256("campaign:user")."""
        return _base32([self._digest(f"{campaign}:{user}") for campaign, user in owners])

    def _digest(self, owner: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(owner.encode())
        outer.update(inner.digest())
        return outer.digest()


def _base32(digests: list[bytes]) -> list[str]:
    """Return 16 characters from the first 80 bits of each digest, for all digests at once.

    All digests form one large number, in lanes of 128 bits with 80 in use. Four times each lane is
    halved and its upper half moved up into a new lane, until each byte holds 5 bits.
    """
    lane = b"\0" * (CODE_LENGTH - CODE_BYTES)
    bits = int.from_bytes(b"".join([lane + digest[:CODE_BYTES] for digest in digests]))
    for half, width in SPREADS:
        mask = ((1 << half) - 1).to_bytes(2 * width // 8)
        lower = int.from_bytes(mask * (len(digests) * CODE_LENGTH // len(mask)))
        bits = (bits & lower) | (bits >> half & lower) << width
    text = bits.to_bytes(len(digests) * CODE_LENGTH).translate(CHARACTERS).decode()
    return [text[at : at + CODE_LENGTH] for at in range(0, len(text), CODE_LENGTH)]
