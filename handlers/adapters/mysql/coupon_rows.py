"""Reads a coupon with what its campaign says of it, as both statements for one coupon return it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.coupon_state import CouponState, HeldCoupon, Usable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pymysql.cursors import Cursor

SELECT_COUPON_OF_CODE = query("select_coupon_of_code")
SELECT_COUPON_OF_USER = query("select_coupon_of_user")


def select_coupon(
    cursor: Cursor, statement: str, values: Mapping[str, object]
) -> HeldCoupon | None:
    """Return the coupon that the statement finds, None where there is none."""
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return _held(row) if row else None


def _held(row: tuple[Any, ...]) -> HeldCoupon:
    campaign_id, serial, user_id, code, admitted_at, created_at, *rest = row
    state, order_id, reserved_until, used_at, given_back, *campaign = rest
    usable_from, usable_until, usable_days, benefit, now = campaign
    return HeldCoupon(
        campaign_id,
        serial,
        user_id,
        code,
        times.from_datetime(admitted_at),
        times.from_datetime(created_at),
        times.from_datetime(now),
        CouponState(state),
        order_id,
        _ms(reserved_until),
        _ms(used_at),
        bool(given_back),
        Usable(_ms(usable_from), _ms(usable_until), usable_days),
        benefit,
    )


def _ms(time: datetime | None) -> int | None:
    return None if time is None else times.from_datetime(time)
