"""Builds the clients of calls about a coupon that was issued, as wiring.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.once import once

if TYPE_CHECKING:
    from handlers.adapters.mysql.coupon_states import CouponStates
    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.returned_places import ReturnedPlaces
    from handlers.adapters.redis.returned_places import PlacesInRedis
    from handlers.domain.returned_places import PlaceReturner


@once
def coupon_database() -> Database:
    """Return the connections to MySQL for calls that a shop's customer waits for."""
    from handlers.adapters.mysql.database import OF_A_SHOP, Database

    store = wiring.secrets()
    return Database(store.database_address, store.renew_database, OF_A_SHOP)


@once
def coupon_states() -> CouponStates:
    """Return the states of the coupons in MySQL."""
    from handlers.adapters.mysql.coupon_states import CouponStates

    return CouponStates(coupon_database())


@once
def returned_places() -> ReturnedPlaces:
    """Return the places that were returned in MySQL."""
    from handlers.adapters.mysql.returned_places import ReturnedPlaces

    return ReturnedPlaces(coupon_database(), wiring.code_secret())


@once
def places_in_redis() -> PlacesInRedis:
    """Return the places that Redis knows were returned."""
    from handlers.adapters.redis.returned_places import PlacesInRedis

    return PlacesInRedis(wiring.scripts())


@once
def place_returner() -> PlaceReturner:
    """Return what lets Redis give the places that MySQL has returned."""
    from handlers.domain.returned_places import PlaceReturner

    return PlaceReturner(returned_places(), places_in_redis())
