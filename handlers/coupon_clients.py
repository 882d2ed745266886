"""Builds the clients of calls about a coupon that was issued, as wiring.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.once import once

if TYPE_CHECKING:
    from handlers.adapters.mysql.coupon_states import CouponStates


@once
def coupon_states() -> CouponStates:
    """Return the states of the coupons, for which a shop's customer waits."""
    from handlers.adapters.mysql.coupon_states import CouponStates
    from handlers.adapters.mysql.database import OF_A_SHOP, Database

    store = wiring.secrets()
    return CouponStates(Database(store.database_address, store.renew_database, OF_A_SHOP))
