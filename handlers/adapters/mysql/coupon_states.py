"""Changes the state of one coupon, each change in one transaction with its event.

A change is written only over the state that it was decided on. Who comes second reads again, and is
answered by what the first has made of the coupon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.mysql.coupon_rows import SELECT_COUPON_OF_CODE, select_coupon
from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.coupon_event import CouponEvent
from handlers.domain.coupon_state import CouponState
from handlers.domain.errors import CouponNotFoundError, ServiceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon_state import Change, HeldCoupon

    Decide = Callable[[HeldCoupon], Change | None]

T = TypeVar("T")

UPDATE_COUPON_STATE = query("update_coupon_state")

OF_AN_ORDER = {CouponState.RESERVED, CouponState.USED}
# Each time another call has changed the coupon in between; a few orders at most want the same one.
READS_MAX = 20
BUSY = "many calls change this coupon at once"


class Changed(NamedTuple):
    """The coupon after a call, and whether this call changed it."""

    coupon: HeldCoupon
    is_new: bool


class CouponStates:
    """Each call is one transaction. All raise UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_code(self, code: str) -> HeldCoupon:
        """Return the coupon of a code; raise CouponNotFoundError."""
        values = {"code": code}
        found = self._database.run(
            lambda cursor: select_coupon(cursor, SELECT_COUPON_OF_CODE, values)
        )
        if found is None:
            raise CouponNotFoundError
        return found

    def change(self, code: str, decide: Decide, actor: str, reason: str | None = None) -> Changed:
        """Change a coupon as `decide` says, in the name of `actor`; raise what it raises.

        Also raises CouponNotFoundError.
        """
        return refusable(
            self._database, lambda cursor: _change(cursor, code, decide, actor, reason)
        )


def refusable(database: Database, work: Callable[[Cursor], T]) -> T:
    """Do a unit of work that may refuse before it has written anything; raise the refusal.

    Not within the transaction: an error would end the connection.
    """

    def returning(cursor: Cursor) -> T | ServiceError:
        try:
            return work(cursor)
        except ServiceError as refusal:
            return refusal

    result = database.run(returning)
    if isinstance(result, ServiceError):
        raise result
    return result


def _change(cursor: Cursor, code: str, decide: Decide, actor: str, reason: str | None) -> Changed:
    for _ in range(READS_MAX):
        coupon = select_coupon(cursor, SELECT_COUPON_OF_CODE, {"code": code})
        if coupon is None:
            raise CouponNotFoundError
        change = decide(coupon)
        if change is None:
            return Changed(coupon, is_new=False)
        if write_change(cursor, coupon, change):
            add_event(cursor, event_of(coupon, change, actor, reason))
            return Changed(coupon.after(change), is_new=True)
    raise UnavailableError(BUSY)


def write_change(cursor: Cursor, coupon: HeldCoupon, change: Change) -> bool:
    """Write a change over the state that it was decided on; return whether it was still so."""
    after = coupon.after(change)
    values = {
        "state": after.stored,
        "order_id": after.order_id,
        "reserved_until": _time(after.reserved_until_ms),
        "used_at": _time(after.used_at_ms),
        "ends_at": _time(coupon.ends_ms if change.state in OF_AN_ORDER else None),
    }
    return cursor.execute(UPDATE_COUPON_STATE, values | as_read(coupon)) == 1


def as_read(coupon: HeldCoupon) -> dict[str, object]:
    """Return which coupon it is, and the state that a change of it must still find."""
    return {
        "campaign_id": coupon.campaign_id,
        "serial": coupon.serial,
        "was_state": coupon.stored,
        "was_order_id": coupon.order_id,
        "was_reserved_until": _time(coupon.reserved_until_ms),
    }


def event_of(coupon: HeldCoupon, change: Change, actor: str, reason: str | None) -> CouponEvent:
    """Return the event of a change; the order is the one that has or had the coupon."""
    detail = {} if change.ttl_s is None else {"ttl_s": change.ttl_s}
    return CouponEvent(
        change.kind,
        coupon.campaign_id,
        coupon.serial,
        actor,
        change.order_id or coupon.order_id,
        reason,
        detail,
    )


def _time(time_ms: int | None) -> str | None:
    return None if time_ms is None else times.to_mysql(time_ms)
