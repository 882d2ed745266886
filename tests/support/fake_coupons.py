"""A stand-in for the states of coupons in MySQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.adapters.mysql.coupon_states import Changed
from handlers.domain.errors import CouponNotFoundError, UnavailableError

if TYPE_CHECKING:
    from handlers.adapters.mysql.coupon_states import Decide
    from handlers.domain.coupon_event import EventKind
    from handlers.domain.coupon_state import HeldCoupon


@dataclass
class FakeCouponStates:
    """Coupons by their codes, and what happened to them: kind, actor, order, reason."""

    held: dict[str, HeldCoupon] = field(default_factory=dict)
    events: list[tuple[EventKind, str, str | None, str | None]] = field(default_factory=list)
    reachable: bool = True

    def of_code(self, code: str) -> HeldCoupon:
        if not self.reachable:
            raise UnavailableError
        if code not in self.held:
            raise CouponNotFoundError
        return self.held[code]

    def change(self, code: str, decide: Decide, actor: str, reason: str | None = None) -> Changed:
        coupon = self.of_code(code)
        change = decide(coupon)
        if change is None:
            return Changed(coupon, is_new=False)
        self.held[code] = coupon.after(change)
        self.events.append((change.kind, actor, change.order_id or coupon.order_id, reason))
        return Changed(self.held[code], is_new=True)
