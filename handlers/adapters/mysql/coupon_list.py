"""The coupons of a campaign for an administrator, each with its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.coupon_state import query_with_state
from handlers.domain import times
from handlers.domain.coupon_state import CouponState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

SELECT_COUPON_LIST = query_with_state("select_coupon_list")


@dataclass(frozen=True, slots=True)
class ListedCoupon:
    """A coupon at one moment; the times in ms since 1970.

    order_id: of the order that has RESERVED or USED it, else None; reserved_until_ms and used_at_ms
    likewise of that state. What a row keeps of an earlier state is not shown.
    """

    serial: int
    user_id: str
    code: str
    admitted_at_ms: int
    created_at_ms: int
    state: CouponState = CouponState.ISSUED
    order_id: str | None = None
    reserved_until_ms: int | None = None
    used_at_ms: int | None = None


class CouponList:
    """Reads the list; raises UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, campaign_id: str, after: int, limit: int, user_id: str | None = None
    ) -> Sequence[ListedCoupon]:
        """Return up to `limit` coupons above the serial `after`, by serial; of one user if given.

        A user has several where all but the last were given back.
        """

        def work(cursor: Cursor) -> Sequence[tuple[Any, ...]]:
            values = {"campaign_id": campaign_id, "after": after, "limit": limit}
            cursor.execute(SELECT_COUPON_LIST, values | {"user_id": user_id})
            return cursor.fetchall()

        return [_coupon(row) for row in self._database.run(work)]


def _coupon(row: tuple[Any, ...]) -> ListedCoupon:
    serial, user_id, code, admitted_at, created_at, state, order_id, reserved_until, used_at = row
    is_reserved, is_used = state == CouponState.RESERVED, state == CouponState.USED
    return ListedCoupon(
        serial,
        user_id,
        code,
        times.from_datetime(admitted_at),
        times.from_datetime(created_at),
        CouponState(state),
        order_id if is_reserved or is_used else None,
        _ms(reserved_until) if is_reserved else None,
        _ms(used_at) if is_used else None,
    )


def _ms(time: datetime | None) -> int | None:
    return None if time is None else times.from_datetime(time)
