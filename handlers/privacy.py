"""DELETE /users/{user_id}, and the erasure of everybody when a campaign has been over for long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import erasure, log, privacy_clients, wiring
from handlers.domain.errors import ErasureWaitsError, InvalidRequestError, UnavailableError
from handlers.domain.identifiers import is_user_id
from handlers.domain.pseudonyms import Renamed
from handlers.edge.auth.scopes import PRIVACY_SCOPE
from handlers.edge.deadline import Deadline
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import no_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.edge.http.request import Request

# A page of 500 takes some ten milliseconds; with a slow MySQL it may take the whole timeout.
PAGE_MS = 10_000
# Who did it, in the events: no person.
RETENTION = "retention"


@endpoint
def erase_user_handler(request: Request) -> dict[str, Any]:
    """DELETE /users/{user_id}: no store has the id afterwards. May be repeated."""
    actor = wiring.authenticator().require_scope(request.headers, PRIVACY_SCOPE)
    user_id = request.path.get("user_id", "")
    if not is_user_id(user_id):
        message = "user_id: must be 1 to 64 printable ASCII characters without a space"
        raise InvalidRequestError(message)
    # The line in the log says how much, never who.
    request.log_fields["campaigns"] = erasure.erase_user(user_id, actor.id).campaigns
    return no_content()


def retention_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Erase the users of campaigns that ended RETENTION_DAYS ago; return how many coupons had one.

    Page by page, within the function's time; the next run goes on. A campaign whose records are
    still to be written, or that is being rebuilt, waits for a later run.
    """
    days = wiring.settings().retention_days
    if not days:
        return {"erased": 0}
    started, deadline, erased = time.perf_counter(), Deadline.of(context), 0
    for campaign_id in privacy_clients.mysql_erasures().to_erase(days):
        try:
            erased += _erase_all(campaign_id, deadline)
        except (ErasureWaitsError, UnavailableError):
            log.exception("users not erased yet", {"campaign_id": campaign_id})
    duration_ms = round((time.perf_counter() - started) * 1000)
    fields = {"request_id": getattr(context, "aws_request_id", "retention"), "erased": erased}
    log.info("retention_handler", fields | {"duration_ms": duration_ms})
    return {"erased": erased}


def _erase_all(campaign_id: str, deadline: Deadline) -> int:
    """Erase all users of a campaign, as long as there is time; return how many coupons had one."""
    redis, mysql = privacy_clients.redis_erasures(), privacy_clients.mysql_erasures()
    # No user has this id: it is too long. What counts is the fence.
    trace, erased = redis.find(campaign_id, "x" * 65), 0
    if trace and redis.has_pending(campaign_id):
        message = "admissions are on their way to MySQL"
        raise UnavailableError(message)
    fence = trace.fence if trace else None
    after: int | None = 0
    while after is not None:
        deadline.require(PAGE_MS)
        page = mysql.erase_page(campaign_id, fence, after)
        erased, after = erased + page.erased, page.last_serial
    for user_id in mysql.users_of_failed_events(campaign_id):
        deadline.require(PAGE_MS)
        mysql.erase(campaign_id, user_id, fence, RETENTION, is_held=False)
    if trace:
        _erase_in_redis(campaign_id, deadline)
    mysql.all_are_erased(campaign_id)
    return erased


def _erase_in_redis(campaign_id: str, deadline: Deadline) -> None:
    """Give all who hold a serial of a closed campaign their pseudonyms."""
    redis, pseudonyms = privacy_clients.redis_erasures(), wiring.pseudonyms()
    erased_users = privacy_clients.mysql_erasures().with_erased_users().get(campaign_id, 0)
    for page in redis.members(campaign_id):
        deadline.require(PAGE_MS)
        renamed = [
            Renamed(user, serial, pseudonyms.of(campaign_id, user), serial)
            for user, serial in page
            if is_user_id(user) and not pseudonyms.made(user)
        ]
        if renamed:
            redis.erase(campaign_id, 1, renamed)
    redis.forget_calls(campaign_id)
    redis.erase(campaign_id, erased_users, [], is_all=True)
