"""Coupons that end and whose place goes to another applicant: revoked, or given back by the user.

MySQL first, which then takes one serial more, then Redis, which gives it. Where a process is killed
in between, or Redis does not respond, the scheduled rebuild completes it: `complete`.
"""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, log, wiring
from handlers.adapters.redis.returned_places import Progress
from handlers.domain.campaign_name import one_line
from handlers.domain.errors import InvalidRequestError, NotAppliedError, UnavailableError
from handlers.domain.rejection_cache import EXPIRED_S
from handlers.edge.http.coupon_json import coupon_json, use_json
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response
from handlers.redemption import coupon_code, fields, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.attempts import Attempts
    from handlers.domain.campaign import Campaign
    from handlers.domain.returned_places import Returns
    from handlers.edge.http.request import Request

BATCH = 500  # returns in one script: a millisecond's work
# So many threads of a process wait until no process remembers that a campaign is sold out. One that
# wakes up does the returns of all; where none of them comes to it, the scheduled rebuild does.
WAITING = BoundedSemaphore(4)


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
        told = coupon_clients.places_in_redis().tell(returns, waited=False)
        if told.number < returns.after and WAITING.acquire(blocking=False):
            try:
                complete(returns.campaign_id, told.number)
            finally:
                WAITING.release()
    except UnavailableError as error:
        request.log_fields["detail"] = f"the place is returned later: {error}"


def complete_all(campaigns: Sequence[Campaign], attempts: Attempts) -> int:
    """Let Redis give the places that MySQL has returned and Redis does not know of.

    Returns how many. One round trip where there is none, and none where no place was ever returned.
    """
    some = [one for one in campaigns if one.places_returned]
    numbers = coupon_clients.places_in_redis().numbers([one.id for one in some])
    done = 0
    for campaign, number in zip(some, numbers, strict=True):
        with attempts.at(campaign.id):
            if isinstance(number, UnavailableError):
                raise number
            if number < campaign.places_returned:
                done += complete(campaign.id, number)
    return done


def complete(campaign_id: str, number: int) -> int:
    """Tell Redis, which knows of the first `number` returns of a campaign, of all that follow.

    Returns how many it was told of. Raises UnavailableError.
    """
    database, redis = coupon_clients.returned_places(), coupon_clients.places_in_redis()
    waited, done = False, 0
    while (returns := database.since(campaign_id, number, BATCH)).returns:
        told = redis.tell(returns, waited=waited)
        if told.progress is Progress.WAIT:
            time.sleep(EXPIRED_S)
            waited = True
        elif told.progress is Progress.DONE:
            done += len(returns.returns)
        number = told.number
    if done:
        log.info("places returned", {"campaign_id": campaign_id, "places": done})
    return done
