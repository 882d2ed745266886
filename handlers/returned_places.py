"""Coupons that end and whose place goes to another applicant: revoked, or given back by the user.

The coupon has ended once MySQL has written it. Where Redis does not hear of its place then, the
scheduled rebuild tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, wiring
from handlers.domain.campaign_name import one_line
from handlers.domain.errors import InvalidRequestError, NotAppliedError, UnavailableError
from handlers.edge.http.coupon import coupon_code, coupon_json, fields, note, use_json
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from handlers.domain.returned_places import Returns
    from handlers.edge.http.request import Request


@endpoint
def give_back_handler(request: Request) -> dict[str, Any]:
    """DELETE /campaigns/{id}/coupon: the caller gives the own unused coupon back."""
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id = request.campaign_id()
    ended = coupon_clients.returned_places().give_back(campaign_id, user.id)
    if ended is None:
        _require_applied(campaign_id, user.id)
        message = "Your coupon is not written yet; give it back in a moment."
        raise UnavailableError(message)
    request.log_fields["serial"] = ended.coupon.serial
    if ended.returns:
        _pass_on(request, ended.returns)
    return json_response(
        200, {"campaign_id": campaign_id, "serial": ended.coupon.serial, **use_json(ended.coupon)}
    )


@endpoint
def revoke_handler(request: Request) -> dict[str, Any]:
    """POST /coupons/{code}/revocation: an administrator ends a coupon."""
    actor = wiring.authenticator().require_admin(request.headers).id
    body, code = fields(request, ("reason", "return_to_pool")), coupon_code(request)
    reason, return_to_pool = (
        one_line("reason", body.get("reason")),
        body.get("return_to_pool", False),
    )
    if not isinstance(return_to_pool, bool):
        message = "return_to_pool: must be true or false"
        raise InvalidRequestError(message)
    places = coupon_clients.returned_places()
    ended = places.revoke(code, actor, reason, return_to_pool=return_to_pool)
    note(request, ended.coupon)
    if ended.returns:
        _pass_on(request, ended.returns)
    shown = coupon_json(ended.coupon) | {"place_returned": ended.returns is not None}
    return json_response(200, shown)


def _require_applied(campaign_id: str, user_id: str) -> None:
    if wiring.redis_campaigns().applied(campaign_id, user_id) is None:
        raise NotAppliedError


def _pass_on(request: Request, returns: Returns) -> None:
    """Let Redis give the place of a coupon that has ended, also where Redis does not hear of it."""
    try:
        coupon_clients.place_returner().pass_on(returns)
    except UnavailableError as error:
        request.log_fields["detail"] = f"the place is returned later: {error}"
