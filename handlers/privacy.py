"""DELETE /users/{user_id}, and the erasure of everybody when a campaign has been over for long."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from handlers import log, privacy_clients, wiring
from handlers.domain.errors import ErasureWaitsError, InvalidRequestError, UnavailableError
from handlers.domain.identifiers import is_user_id
from handlers.edge.auth.scopes import PRIVACY_SCOPE
from handlers.edge.deadline import Deadline
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import no_content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handlers.edge.http.request import Request

# A page of 500 takes some ten milliseconds; with a slow MySQL it may take the whole timeout.
PAGE_MS = 10_000


@endpoint
def erase_user_handler(request: Request) -> dict[str, Any]:
    """DELETE /users/{user_id}: no store has the id afterwards. May be repeated."""
    actor = wiring.authenticator().require_scope(request.headers, PRIVACY_SCOPE)
    user_id = request.path.get("user_id", "")
    if not is_user_id(user_id):
        message = "user_id: must be 1 to 64 printable ASCII characters without a space"
        raise InvalidRequestError(message)
    # The line in the log says how much, never who.
    request.log_fields["campaigns"] = privacy_clients.eraser().erase(user_id, actor.id)
    return no_content()


def privacy_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Complete erasures that were left half-done; erase all users whose RETENTION_DAYS are over.

    Page by page, within the function's time; the next run goes on. A campaign whose records are
    still to be written, or that is being rebuilt, waits for a later run. Returns how many
    campaigns were completed, and how many coupons had an owner until now.
    """
    started, deadline = time.perf_counter(), Deadline.of(context)
    done = {"completed": _complete(), "erased": _erase_whose_time_is_over(deadline)}
    duration_ms = round((time.perf_counter() - started) * 1000)
    request_id = getattr(context, "aws_request_id", "privacy")
    log.info("privacy_handler", {"request_id": request_id, **done, "duration_ms": duration_ms})
    return done


def _complete() -> int:
    """One round trip to each server where nothing is half-done."""
    numbers, completed = privacy_clients.mysql_erasures().with_erased_users(), 0
    _, statuses = wiring.redis_campaigns().look(list(numbers)) if numbers else ([], {})
    for campaign_id, status in statuses.items():
        if status.campaign.erased_users < numbers[campaign_id]:
            with _or_later("erasure not completed", campaign_id):
                privacy_clients.eraser().complete(campaign_id, numbers[campaign_id])
                completed += 1
    return completed


def _erase_whose_time_is_over(deadline: Deadline) -> int:
    days, erased = wiring.settings().retention_days, 0
    for campaign_id in privacy_clients.mysql_erasures().to_erase(days) if days else ():
        with _or_later("users not erased yet", campaign_id):
            has_time = partial(deadline.require, PAGE_MS)
            erased += privacy_clients.eraser().erase_all(campaign_id, has_time)
    return erased


@contextmanager
def _or_later(failure: str, campaign_id: str) -> Iterator[None]:
    """Log why a step is left to a later run."""
    try:
        yield
    except (ErasureWaitsError, UnavailableError) as error:
        log.warning(failure, {"campaign_id": campaign_id, "detail": str(error)})
