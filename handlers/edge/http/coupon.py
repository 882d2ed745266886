"""A coupon in requests and responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers.domain import identifiers, times
from handlers.domain.coupon_state import CouponState
from handlers.domain.errors import CouponNotFoundError, InvalidRequestError

if TYPE_CHECKING:
    from handlers.domain.coupon_state import HeldCoupon
    from handlers.edge.http.request import Request

ORDERED = frozenset({CouponState.RESERVED, CouponState.USED})


def coupon_code(request: Request) -> str:
    """Return the path's code; raise CouponNotFoundError for one that cannot exist."""
    code = request.path.get("code", "")
    if not identifiers.is_coupon_code(code):
        raise CouponNotFoundError
    return code


def note(request: Request, coupon: HeldCoupon) -> None:
    """Name the coupon in the log line; never its code, which is worth money."""
    request.log_fields["campaign_id"] = coupon.campaign_id
    request.log_fields["serial"] = coupon.serial


def fields(request: Request, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the body; raise InvalidRequestError for a field that the call does not have."""
    body = request.json_object()
    for unknown in sorted(body.keys() - set(known)):
        message = f"{unknown[:64]!r} is no field of this call, which has {', '.join(known)}"
        raise InvalidRequestError(message)
    return body


def coupon_json(coupon: HeldCoupon) -> dict[str, Any]:
    """Return a coupon as a shop and an administrator see it."""
    return {
        "campaign_id": coupon.campaign_id,
        "serial": coupon.serial,
        "code": coupon.code,
        **use_json(coupon),
        "order_id": coupon.order_id if coupon.state in ORDERED else None,
        "reserved_until": _iso(_reserved_until_ms(coupon)),
        "used_at": _iso(coupon.used_at_ms),
    }


def use_json(coupon: HeldCoupon) -> dict[str, Any]:
    """Return what its owner sees as well: the state, what it is worth, and when it can be used."""
    return {
        "state": coupon.state,
        "benefit": None if coupon.benefit is None else json.loads(coupon.benefit),
        "usable_from": _iso(coupon.usable.from_ms),
        "usable_until": _iso(coupon.usable_until_ms),
    }


def _reserved_until_ms(coupon: HeldCoupon) -> int | None:
    is_reserved = coupon.state is CouponState.RESERVED
    return coupon.reserved_until_ms if is_reserved else None


def _iso(time_ms: int | None) -> str | None:
    return None if time_ms is None else times.to_iso(time_ms)
