"""handlers/domain/coupon_state.py: what each call makes of a coupon in each state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers.domain import coupon_state
from handlers.domain.coupon_state import DAY_MS, Change, CouponState, HeldCoupon, Usable
from handlers.domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = 1_795_316_400_123
FRESH = HeldCoupon("welcome", 1, "42", "0" * 16, NOW_MS - DAY_MS, NOW_MS - DAY_MS, NOW_MS)
OVER = Usable(until_ms=NOW_MS)


def reserved(order: str, left_ms: int = 1) -> HeldCoupon:
    return replace(
        FRESH, stored=CouponState.RESERVED, order_id=order, reserved_until_ms=NOW_MS + left_ms
    )


def used(order: str) -> HeldCoupon:
    return replace(FRESH, stored=CouponState.USED, order_id=order, used_at_ms=NOW_MS)


COUPONS = {
    "issued": FRESH,
    "early": replace(FRESH, usable=Usable(from_ms=NOW_MS + 1)),
    "expired": replace(FRESH, usable=OVER),
    "reserved by me": reserved("me"),
    "reserved by me, expired": replace(reserved("me"), usable=OVER),
    "reserved by another": reserved("another"),
    "my reservation is over": reserved("me", 0),
    "another's reservation is over": reserved("another", 0),
    "over and expired": replace(reserved("me", 0), usable=OVER),
    "used by me": used("me"),
    "used by another": used("another"),
    "used by me, expired": replace(used("me"), usable=OVER),
    "revoked": replace(FRESH, stored=CouponState.REVOKED),
    "given back": replace(FRESH, stored=CouponState.REVOKED, given_back=True),
}
CALLS: dict[str, Callable[[HeldCoupon], Change | None]] = {
    "reserve": lambda coupon: coupon_state.reserve(coupon, "me", 60),
    "redeem": lambda coupon: coupon_state.redeem(coupon, "me"),
    "release": lambda coupon: coupon_state.release(coupon, "me"),
    "cancel": lambda coupon: coupon_state.cancel(coupon, "me"),
    "revoke": coupon_state.revoke,
    "give back": coupon_state.give_back,
}
# What is written, "" for nothing, or ! and the code of the refusal: by the calls in their order.
TABLE = {
    "issued": ("RESERVED", "USED", "", "", "REVOKED", "GIVEN_BACK"),
    "early": ("!NOT_YET_USABLE", "!NOT_YET_USABLE", "", "", "REVOKED", "GIVEN_BACK"),
    "expired": ("!EXPIRED", "!EXPIRED", "", "", "REVOKED", "!EXPIRED"),
    "reserved by me": ("", "USED", "RELEASED", "RELEASED", "REVOKED", "!RESERVED"),
    "reserved by me, expired": ("", "USED", "RELEASED", "RELEASED", "REVOKED", "!RESERVED"),
    "reserved by another": ("!RESERVED", "!RESERVED", "", "", "REVOKED", "!RESERVED"),
    "my reservation is over": ("RESERVED", "USED", "", "", "REVOKED", "GIVEN_BACK"),
    "another's reservation is over": ("RESERVED", "USED", "", "", "REVOKED", "GIVEN_BACK"),
    "over and expired": ("!EXPIRED", "!EXPIRED", "", "", "REVOKED", "!EXPIRED"),
    "used by me": ("", "", "!ALREADY_USED", "CANCELLED", "!ALREADY_USED", "!ALREADY_USED"),
    "used by another": ("!ALREADY_USED", "!ALREADY_USED", "", "", "!ALREADY_USED", "!ALREADY_USED"),
    "used by me, expired": ("", "", "!ALREADY_USED", "CANCELLED", "!ALREADY_USED", "!ALREADY_USED"),
    "revoked": ("!REVOKED", "!REVOKED", "", "", "", "!REVOKED"),
    "given back": ("!REVOKED", "!REVOKED", "", "", "", ""),
}
EVERY = [(call, coupon) for call in CALLS for coupon in COUPONS]


def result(call: str, coupon: HeldCoupon) -> Change | str:
    """Return the change, "" where there is none, or the refusal as in the table."""
    try:
        return CALLS[call](coupon) or ""
    except ServiceError as refusal:
        return f"!{refusal.code}"


@pytest.mark.parametrize(("call", "coupon"), EVERY)
def test_each_call_on_each_state(call: str, coupon: str) -> None:
    found = result(call, COUPONS[coupon])
    expected = TABLE[coupon][list(CALLS).index(call)]
    assert (found.kind if isinstance(found, Change) else found) == expected


@pytest.mark.parametrize(("call", "coupon"), EVERY)
def test_a_call_repeated_after_it_changed_the_coupon_changes_nothing(
    call: str, coupon: str
) -> None:
    change = result(call, COUPONS[coupon])
    if isinstance(change, Change):
        after = replace(COUPONS[coupon].after(change), given_back=call == "give back")
        assert result(call, after) == ""


@pytest.mark.parametrize(("call", "coupon"), EVERY)
def test_what_is_written_holds_together(call: str, coupon: str) -> None:
    change = result(call, COUPONS[coupon])
    if isinstance(change, Change):
        after = COUPONS[coupon].after(change)
        has_order = after.stored in {CouponState.RESERVED, CouponState.USED}
        assert (after.order_id is not None) == has_order
        assert (after.reserved_until_ms is not None) == (after.stored is CouponState.RESERVED)
        assert (after.used_at_ms is not None) == (after.stored is CouponState.USED)
        assert after.stored is not CouponState.EXPIRED


@pytest.mark.parametrize(
    ("usable", "until_ms"),
    [
        (Usable(), None),
        (Usable(until_ms=5), 5),
        (Usable(days=2), 100 + 2 * DAY_MS),
        (Usable(until_ms=99, days=1), 99),
        (Usable(until_ms=10**15, days=0), 100),
    ],
)
def test_a_coupon_expires_at_the_earlier_of_both_bounds(
    usable: Usable, until_ms: int | None
) -> None:
    assert usable.until_of(100) == until_ms
