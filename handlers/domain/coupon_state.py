"""The states of a coupon. MySQL derives the present one: adapters/mysql/coupon_state.py."""

from __future__ import annotations

from enum import StrEnum


class CouponState(StrEnum):
    """The state of a coupon at one moment; EXPIRED follows from the time alone."""

    ISSUED = "ISSUED"
    RESERVED = "RESERVED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
