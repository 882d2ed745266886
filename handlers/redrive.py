"""The redrive, every minute: rows of failed_event are written again, or given up with an alarm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain import metrics
from handlers.domain.errors import UnavailableError
from handlers.domain.record import FailedStatus
from handlers.edge.deadline import Deadline
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response
from handlers.tracing.batch import Work, redriven

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.domain.settlement import Settlement
    from handlers.edge.http.request import Request

REDRIVABLE = (FailedStatus.PENDING, FailedStatus.DEAD)
# API Gateway waits for 29 s at most; the next call continues with the rest.
REDRIVE_NOW_S = 25
BATCH = 100
# A batch takes well under a second; with a slow MySQL it may take the whole timeout.
BATCH_MS = 10_000


def redrive_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Write again what is due; return how many are resolved, left for later, and dead.

    Parallel runs are harmless: they take different rows.
    """
    started = time.perf_counter()
    totals = _redrive(FailedStatus.PENDING, now=False, deadline=Deadline.of(context))
    request_id = getattr(context, "aws_request_id", "redrive")
    duration_ms = round((time.perf_counter() - started) * 1000)
    log.info("redrive_handler", {"request_id": request_id, **totals, "duration_ms": duration_ms})
    return totals


@endpoint
def redrive_now_handler(request: Request) -> dict[str, Any]:
    """POST /failed-events/redrive: write again now, due or not; ?status=DEAD: the given-up rows."""
    wiring.authenticator().require_admin(request.headers)
    status = FailedStatus(request.choice("status", REDRIVABLE) or FailedStatus.PENDING)
    totals = _redrive(status, now=True, deadline=Deadline.after(REDRIVE_NOW_S))
    request.log_fields.update(totals)
    return json_response(200, totals)


def _redrive(status: FailedStatus, *, now: bool, deadline: Deadline) -> dict[str, int]:
    """Go through all rows of `status` once, batch by batch, as long as there is time."""
    queue, after = wiring.failed_event_queue(), 0
    totals = {"resolved": 0, "retried": 0, "dead": 0}
    while deadline.allows(BATCH_MS):
        with Work() as work:
            done = queue.redrive(status, now=now, after=after, limit=BATCH)
            if done.last_id is None:
                break
            work.written(redriven(done.coupons))
            _settle(done.settlements)
        after = done.last_id
        totals["resolved"] += done.resolved
        totals["retried"] += done.retried
        totals["dead"] += len(done.dead)
        metrics.REDRIVEN.inc(("resolved",), done.resolved)
        metrics.REDRIVEN.inc(("retried",), done.retried)
        metrics.REDRIVEN.inc(("dead",), len(done.dead))
        if done.dead:
            log.emit_metric(
                "failed events were given up",
                "DeadFailedEvents",
                len(done.dead),
                {"ids": done.dead},
            )
    return totals


def _settle(settlements: Sequence[Settlement]) -> None:
    try:
        wiring.admissions().settle(settlements)
    except UnavailableError:
        # The rows are written; what stays pending in Redis is sent again, and settled then.
        log.exception("written but not settled", {"coupons": len(settlements)})
