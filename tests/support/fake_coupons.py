"""A stand-in for the states of coupons in MySQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.adapters.mysql.coupon_states import Changed
from handlers.adapters.mysql.returned_places import Ended
from handlers.domain import coupon_state
from handlers.domain.errors import CouponNotFoundError, UnavailableError
from handlers.domain.returned_places import AppliedReturns, Returns, ReturnsOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass
class FakeReturnedPlaces:
    """Ends the coupons of FakeCouponStates."""

    states: FakeCouponStates
    returned: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)

    def revoke(self, code: str, actor: str, reason: str, *, return_to_pool: bool) -> Ended:
        coupon, is_new = self.states.change(code, coupon_state.revoke, actor, reason)
        returns = self._return(coupon, None) if return_to_pool and is_new else None
        return Ended(coupon, returns, is_new)

    def give_back(self, campaign_id: str, user_id: str) -> Ended | None:
        if not self.states.reachable:
            raise UnavailableError
        for code, one in self.states.held.items():
            if (one.campaign_id, one.user_id) == (campaign_id, user_id):
                coupon, is_new = self.states.change(code, coupon_state.give_back, user_id)
                returns = self._return(coupon, user_id) if is_new else None
                return Ended(coupon, returns, is_new)
        return None

    def since(self, campaign_id: str, number: int, limit: int) -> Returns:
        returned = self.returned.get(campaign_id, [])
        return Returns(campaign_id, number, returned[number : number + limit])

    def _return(self, coupon: HeldCoupon, user: str | None) -> Returns:
        before = self.returned.setdefault(coupon.campaign_id, [])
        before.append((coupon.serial, user))
        return Returns(coupon.campaign_id, len(before) - 1, before[-1:])


@dataclass
class FakePlacesInRedis:
    """Redis's number of returned places."""

    places: dict[str, int] = field(default_factory=dict)

    def numbers(self, campaign_ids: Sequence[str]) -> list[int | UnavailableError]:
        return [self.places.get(one, 0) for one in campaign_ids]

    def apply_returns(self, returns: Returns, *, waited: bool) -> AppliedReturns:
        assert waited in {True, False}
        known = self.places.get(returns.campaign_id, 0)
        if known != returns.before:
            return AppliedReturns(ReturnsOutcome.OTHER, known)
        self.places[returns.campaign_id] = returns.after
        return AppliedReturns(ReturnsOutcome.DONE, returns.after)
