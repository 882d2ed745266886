"""handlers/domain/coupon_codes.py: each coupon always has the same code, and no other has it."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.coupon_codes import CROCKFORD, CouponCodes

SECRET = b"a secret of a test, 32 bytes long or longer"
OWNERS = st.tuples(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64),
)


def code(secret: bytes, campaign_id: str, user_id: str) -> str:
    [made] = CouponCodes(secret).of([(campaign_id, user_id)])
    return made


def by_the_book(secret: bytes, campaign_id: str, user_id: str) -> str:
    digest = hmac.digest(secret, f"{campaign_id}:{user_id}".encode(), hashlib.sha256)
    bits = int.from_bytes(digest[:10])
    return "".join(CROCKFORD[bits >> shift & 31] for shift in range(75, -1, -5))


def test_a_code_is_the_same_for_ever() -> None:
    # A code that customers hold already must not change with a release.
    assert code(SECRET, "welcome", "42") == "C6CVM4X1N3HAR5H9"


@given(st.binary(max_size=200), st.lists(OWNERS, max_size=5))
def test_a_code_is_80_bits_of_the_hmac_in_base32_in_any_batch(
    secret: bytes, owners: list[tuple[str, str]]
) -> None:
    assert CouponCodes(secret).of(owners) == [by_the_book(secret, *owner) for owner in owners]


@given(OWNERS)
def test_a_code_is_16_characters_of_crockfords_alphabet(owner: tuple[str, str]) -> None:
    made = code(SECRET, *owner)
    assert len(made) == 16
    assert set(made) <= set(CROCKFORD)
    assert len(CROCKFORD) == 32
    assert not set(CROCKFORD) & set("ILOU")


def test_a_code_depends_on_the_user_the_campaign_and_the_secret() -> None:
    codes = {
        code(SECRET, "welcome", "42"),
        code(SECRET, "welcome", "43"),
        code(SECRET, "welcome2", "42"),
        code(SECRET + b"!", "welcome", "42"),
        code(SECRET, "a", "b:c"),
        code(SECRET, "a-b", "c"),
    }
    assert len(codes) == 6
