"""Ends coupons whose place goes to another applicant, and lists the places that were returned.

The campaign's row is locked before the coupon's, as the writers of coupons do. So the returns of a
campaign have numbers without gaps, in the order of their events.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from handlers.adapters.mysql import coupon_states
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.mysql.coupon_rows import (
    SELECT_COUPON_OF_CODE,
    SELECT_COUPON_OF_USER,
    select_coupon,
)
from handlers.adapters.mysql.database import query
from handlers.domain import coupon_state
from handlers.domain.campaign import QUANTITY_MAX
from handlers.domain.coupon_codes import CouponCodes, former_owner
from handlers.domain.coupon_event import EventKind
from handlers.domain.coupon_state import Change, CouponState
from handlers.domain.errors import (
    CouponNotFoundError,
    GivenBackTooOftenError,
    PlacesExhaustedError,
    UnavailableError,
)
from handlers.domain.returned_places import Returns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.coupon_event import CouponEvent
    from handlers.domain.coupon_state import HeldCoupon

LOCK_PLACES = query("lock_places")
READ_PLACES = query("read_places")
RETURN_PLACE = query("return_place")
GIVE_COUPON_BACK = query("give_coupon_back")
COUNT_GIVEN_BACK = query("count_given_back")
SELECT_PLACE_OF_COUPON = query("select_place_of_coupon")
SELECT_RETURNS_PAGE = query("select_returns_page")

# Each leaves a row: no user fills the table.
GIVEN_BACK_MAX = 10
# So that every serial is below SERIAL_MAX.
PLACES_MAX = QUANTITY_MAX


class Ended(NamedTuple):
    """A coupon that has ended, and the return of its place; None: its place is not returned."""

    coupon: HeldCoupon
    returns: Returns | None
    is_new: bool


class ReturnedPlaces:
    """Each call is one transaction. All raise UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database, code_secret: str) -> None:
        self._database = database
        self._codes = CouponCodes(code_secret.encode())

    def revoke(self, code: str, actor: str, reason: str, *, return_to_pool: bool) -> Ended:
        """Revoke a coupon; raise CouponNotFoundError, or why it cannot be.

        return_to_pool: its place goes to another applicant, also where the coupon was revoked
        without that before. The same again changes nothing.
        """
        return coupon_states.refusable(
            self._database,
            lambda cursor: _revoke(cursor, code, actor, reason, return_to_pool=return_to_pool),
        )

    def give_back(self, campaign_id: str, user_id: str) -> Ended | None:
        """Take a coupon back from its user; None where the user has none. Raises why it cannot.

        Where the user has given back the last one, that one, which has not changed.
        """
        ids = {"campaign_id": campaign_id, "user_id": user_id}
        return coupon_states.refusable(self._database, lambda cursor: self._give_back(cursor, ids))

    def since(self, campaign_id: str, number: int, limit: int) -> Returns:
        """Return the next returns after the first `number` of them, at most `limit`."""
        return self._database.run(lambda cursor: _since(cursor, campaign_id, number, limit))

    def _give_back(self, cursor: Cursor, ids: Mapping[str, object]) -> Ended | None:
        places: int | None = None
        for _ in range(coupon_states.READS_MAX):
            coupon = select_coupon(cursor, SELECT_COUPON_OF_USER, ids)
            if coupon is None:
                return None
            change = coupon_state.give_back(coupon)
            if change is None:
                return Ended(coupon, _return_of(cursor, coupon), is_new=False)
            if places is None:
                # Locked as late as this, since the writers of coupons wait for it; and read again.
                cursor.execute(COUNT_GIVEN_BACK, ids)
                [(given_back,)] = cursor.fetchall()
                if given_back >= GIVEN_BACK_MAX:
                    raise GivenBackTooOftenError
                places = _lock_places(cursor, coupon.campaign_id)
            elif self._take(cursor, coupon):
                event = coupon_states.event_of(coupon, change, coupon.user_id, None)
                returns = _return_place(cursor, coupon, places, coupon.user_id)
                # The row has another code from here on; receivers of webhooks know the user's.
                add_event(cursor, _with_place(event, returns, code=coupon.code))
                return Ended(coupon.after(change), returns, is_new=True)
        raise UnavailableError(coupon_states.BUSY)

    def _take(self, cursor: Cursor, coupon: HeldCoupon) -> bool:
        owner = former_owner(coupon.campaign_id, coupon.user_id, coupon.serial)
        [code] = self._codes.of([owner])
        values = coupon_states.as_read(coupon) | {"code": code}
        return cursor.execute(GIVE_COUPON_BACK, values) == 1


def _revoke(cursor: Cursor, code: str, actor: str, reason: str, *, return_to_pool: bool) -> Ended:
    places: int | None = None
    for _ in range(coupon_states.READS_MAX):
        coupon = select_coupon(cursor, SELECT_COUPON_OF_CODE, {"code": code})
        if coupon is None:
            raise CouponNotFoundError
        change = coupon_state.revoke(coupon)
        returned = None if change else _return_of(cursor, coupon)
        if change is None and (returned or not return_to_pool):
            return Ended(coupon, returned, is_new=False)
        if return_to_pool and places is None:
            places = _lock_places(cursor, coupon.campaign_id)
        elif change is None or coupon_states.write_change(cursor, coupon, change):
            change = change or Change(EventKind.REVOKED, CouponState.REVOKED)
            event = coupon_states.event_of(coupon, change, actor, reason)
            returns = None if places is None else _return_place(cursor, coupon, places, None)
            add_event(cursor, _with_place(event, returns) if returns else event)
            return Ended(coupon.after(change), returns, is_new=True)
    raise UnavailableError(coupon_states.BUSY)


def _lock_places(cursor: Cursor, campaign_id: str) -> int:
    cursor.execute(LOCK_PLACES, {"campaign_id": campaign_id})
    [(places,)] = cursor.fetchall()
    if places >= PLACES_MAX:
        raise PlacesExhaustedError
    return int(places)


def _return_place(cursor: Cursor, coupon: HeldCoupon, places: int, user: str | None) -> Returns:
    """Raise the locked number of places; `user`: where it is given back."""
    cursor.execute(RETURN_PLACE, {"campaign_id": coupon.campaign_id})
    return Returns(coupon.campaign_id, places, [(coupon.serial, user)])


def _return_of(cursor: Cursor, coupon: HeldCoupon) -> Returns | None:
    """Return the return of a coupon that has ended before, None where it has kept its place."""
    ids = {"campaign_id": coupon.campaign_id, "serial": coupon.serial}
    cursor.execute(SELECT_PLACE_OF_COUPON, ids)
    user = coupon.user_id if coupon.given_back else None
    for (place,) in cursor.fetchall():
        return Returns(coupon.campaign_id, int(place) - 1, [(coupon.serial, user)])
    return None


def _with_place(event: CouponEvent, returns: Returns, **more: str) -> CouponEvent:
    return replace(event, detail={**event.detail, "place": returns.after, **more})


def _since(cursor: Cursor, campaign_id: str, number: int, limit: int) -> Returns:
    cursor.execute(READ_PLACES, {"campaign_id": campaign_id})
    [(places,)] = cursor.fetchall() or [(0,)]
    newer = max(0, places - number - limit)
    wanted = places - newer - number
    if wanted <= 0:
        return Returns(campaign_id, number, [])
    page = {"campaign_id": campaign_id, "newer": newer, "limit": wanted}
    cursor.execute(SELECT_RETURNS_PAGE, page)
    found = [(int(place), (serial, user)) for place, serial, user in cursor.fetchall()]
    if [place for place, _ in found] != list(range(places - newer, number, -1)):
        message = f"coupon_event does not name each place that {campaign_id} has returned"
        raise UnavailableError(message)
    return Returns(campaign_id, number, [one for _, one in reversed(found)])
