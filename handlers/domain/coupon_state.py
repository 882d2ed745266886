"""The life of a coupon after it was issued: its states, and what each call makes of them.

Times are milliseconds of MySQL's clock. Nothing here waits or writes: `handlers/adapters/mysql/`
reads a coupon, asks one of these functions, and writes the change that it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from handlers.domain.coupon_event import EventKind
from handlers.domain.errors import (
    CouponAlreadyUsedError,
    CouponExpiredError,
    CouponNotYetUsableError,
    CouponReservedError,
    CouponRevokedError,
    ServiceError,
)

DAY_MS = 86_400_000


class CouponState(StrEnum):
    """The state of a coupon at one moment. MySQL stores all but EXPIRED, which is time alone."""

    ISSUED = "ISSUED"
    RESERVED = "RESERVED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Usable:
    """When the coupons of a campaign can be used: [from_ms, until_ms), None without a bound.

    days: counted from the admission, each of 24 hours.
    """

    from_ms: int | None = None
    until_ms: int | None = None
    days: int | None = None

    def until_of(self, admitted_at_ms: int) -> int | None:
        """Return when a coupon of that admission expires; None: never."""
        ends = [] if self.until_ms is None else [self.until_ms]
        if self.days is not None:
            ends.append(admitted_at_ms + self.days * DAY_MS)
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    """A coupon as MySQL has it at `now_ms`, and what its campaign says of it.

    stored: ISSUED, RESERVED, USED or REVOKED, as in the row. given_back: by its user.
    benefit: JSON, None where the campaign has none.
    """

    campaign_id: str
    serial: int
    user_id: str
    code: str
    admitted_at_ms: int
    created_at_ms: int
    now_ms: int
    stored: CouponState = CouponState.ISSUED
    order_id: str | None = None
    reserved_until_ms: int | None = None
    used_at_ms: int | None = None
    given_back: bool = False
    usable: Usable = Usable()
    benefit: str | None = None

    @property
    def usable_until_ms(self) -> int | None:
        """When it expires; None: never."""
        return self.usable.until_of(self.admitted_at_ms)

    @property
    def ends_ms(self) -> int | None:
        """When its time and its reservation are over, and no order can take it; None: never."""
        until_ms = self.usable_until_ms
        if until_ms is None or self.state is not CouponState.RESERVED:
            return until_ms
        return max(until_ms, self.reserved_until_ms or 0)

    @property
    def state(self) -> CouponState:
        """The state now. A reservation that was made in time lasts, also past the expiry."""
        if self.stored in (CouponState.USED, CouponState.REVOKED):
            return self.stored
        if self.stored is CouponState.RESERVED and self.now_ms < (self.reserved_until_ms or 0):
            return CouponState.RESERVED
        until_ms = self.usable_until_ms
        is_over = until_ms is not None and self.now_ms >= until_ms
        return CouponState.EXPIRED if is_over else CouponState.ISSUED

    def is_of(self, order_id: str, state: CouponState) -> bool:
        """Return whether it is in this state because of this order."""
        return self.state is state and self.order_id == order_id

    def require_usable(self) -> None:
        """Raise the error that says why an order cannot have it now."""
        if self.state in UNUSABLE:
            raise UNUSABLE[self.state]
        if self.now_ms < (self.usable.from_ms or 0):
            raise CouponNotYetUsableError

    def after(self, change: Change) -> HeldCoupon:
        """Return the coupon as it is once the change is written."""
        is_used = change.state is CouponState.USED
        return replace(
            self,
            stored=change.state,
            order_id=change.order_id,
            reserved_until_ms=None if change.ttl_s is None else self.now_ms + change.ttl_s * 1000,
            used_at_ms=self.now_ms if is_used else None,
        )


class Change(NamedTuple):
    """What is written: the state, the order that has the coupon from now on, and the event.

    ttl_s: how long a reservation lasts, from now.
    """

    kind: EventKind
    state: CouponState
    order_id: str | None = None
    ttl_s: int | None = None


UNUSABLE: dict[CouponState, type[ServiceError]] = {
    CouponState.RESERVED: CouponReservedError,
    CouponState.USED: CouponAlreadyUsedError,
    CouponState.EXPIRED: CouponExpiredError,
    CouponState.REVOKED: CouponRevokedError,
}


# Each returns None where the coupon is already as the call wants it, and raises what is answered
# where it cannot be.


def reserve(coupon: HeldCoupon, order_id: str, ttl_s: int) -> Change | None:
    """Keep it for an order. The same order again does not make the reservation longer."""
    if any(coupon.is_of(order_id, one) for one in (CouponState.RESERVED, CouponState.USED)):
        return None
    coupon.require_usable()
    return Change(EventKind.RESERVED, CouponState.RESERVED, order_id, ttl_s)


def redeem(coupon: HeldCoupon, order_id: str) -> Change | None:
    """Use it, from ISSUED or from this order's reservation."""
    if coupon.is_of(order_id, CouponState.USED):
        return None
    if not coupon.is_of(order_id, CouponState.RESERVED):
        coupon.require_usable()
    return Change(EventKind.USED, CouponState.USED, order_id)


def release(coupon: HeldCoupon, order_id: str) -> Change | None:
    """End an order's reservation. None: the order has none. It cannot end a use."""
    if coupon.is_of(order_id, CouponState.USED):
        message = "This order has used the coupon; cancel its redemption instead."
        raise CouponAlreadyUsedError(message)
    if coupon.is_of(order_id, CouponState.RESERVED):
        return Change(EventKind.RELEASED, CouponState.ISSUED)
    return None


def cancel(coupon: HeldCoupon, order_id: str) -> Change | None:
    """Take back an order's use of it, or its reservation. None: the order does not have it."""
    if coupon.is_of(order_id, CouponState.USED):
        return Change(EventKind.CANCELLED, CouponState.ISSUED)
    return release(coupon, order_id)


def revoke(coupon: HeldCoupon) -> Change | None:
    """End it, also while an order has it reserved; a used one stays used."""
    if coupon.state is CouponState.REVOKED:
        return None
    if coupon.state is CouponState.USED:
        raise CouponAlreadyUsedError
    return Change(EventKind.REVOKED, CouponState.REVOKED)


def give_back(coupon: HeldCoupon) -> Change | None:
    """End it, as its user asks for it. One that has expired is not exchanged for a new one."""
    if coupon.given_back:
        return None
    if coupon.state in UNUSABLE:
        raise UNUSABLE[coupon.state]
    return Change(EventKind.GIVEN_BACK, CouponState.REVOKED)
