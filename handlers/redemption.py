"""A shop's calls about one coupon: look at it, reserve it for an order, use it, take that back.

All are repeatable: the same order again gets the same answer and changes nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, wiring
from handlers.domain import coupon_state, identifiers
from handlers.domain.errors import InvalidRequestError
from handlers.edge.auth.scopes import REDEEM_SCOPE
from handlers.edge.http.coupon import coupon_code, coupon_json, fields, note
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response, no_content

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.domain.coupon_state import Change, HeldCoupon
    from handlers.edge.http.request import Request

    Decide = Callable[[HeldCoupon], Change | None]

# A customer who pays by bank transfer has a day; a forgotten reservation keeps a coupon no longer.
TTL_S_MAX = 86_400
TTL_S_DEFAULT = 900


@endpoint
def coupon_handler(request: Request) -> dict[str, Any]:
    """GET /coupons/{code}: the coupon, its state now, and when it can be used."""
    wiring.authenticator().require_scope(request.headers, REDEEM_SCOPE)
    coupon = coupon_clients.coupon_states().of_code(coupon_code(request))
    note(request, coupon)
    return json_response(200, coupon_json(coupon))


@endpoint
def reserve_handler(request: Request) -> dict[str, Any]:
    """POST /coupons/{code}/reservations: keep it for an order, for `ttl_s` seconds."""
    actor = wiring.authenticator().require_scope(request.headers, REDEEM_SCOPE).id
    body = fields(request, ("order_id", "ttl_s"))
    order_id, ttl_s = identifiers.order_id(body.get("order_id")), _ttl_s(body)
    decide = partial(coupon_state.reserve, order_id=order_id, ttl_s=ttl_s)
    return _created(request, decide, actor)


@endpoint
def redeem_handler(request: Request) -> dict[str, Any]:
    """POST /coupons/{code}/redemptions: an order uses it."""
    actor = wiring.authenticator().require_scope(request.headers, REDEEM_SCOPE).id
    order_id = identifiers.order_id(fields(request, ("order_id",)).get("order_id"))
    return _created(request, partial(coupon_state.redeem, order_id=order_id), actor)


@endpoint
def release_handler(request: Request) -> dict[str, Any]:
    """DELETE /coupons/{code}/reservations/{order_id}: the order does not reserve it any more."""
    return _ended(request, coupon_state.release)


@endpoint
def cancel_handler(request: Request) -> dict[str, Any]:
    """DELETE /coupons/{code}/redemptions/{order_id}: the order was cancelled."""
    return _ended(request, coupon_state.cancel)


def _created(request: Request, decide: Decide, actor: str) -> dict[str, Any]:
    coupon, is_new = coupon_clients.coupon_states().change(coupon_code(request), decide, actor)
    note(request, coupon)
    return json_response(201 if is_new else 200, coupon_json(coupon))


def _ended(request: Request, decide: Callable[[HeldCoupon, str], Change | None]) -> dict[str, Any]:
    actor = wiring.authenticator().require_scope(request.headers, REDEEM_SCOPE).id
    order_id = identifiers.order_id(request.path.get("order_id"))
    states, code = coupon_clients.coupon_states(), coupon_code(request)
    coupon, _ = states.change(code, lambda one: decide(one, order_id), actor)
    note(request, coupon)
    return no_content()


def _ttl_s(body: dict[str, Any]) -> int:
    value = body.get("ttl_s", TTL_S_DEFAULT)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= TTL_S_MAX:
        return value
    message = f"ttl_s: must be a whole number of seconds from 1 to {TTL_S_MAX}"
    raise InvalidRequestError(message)
