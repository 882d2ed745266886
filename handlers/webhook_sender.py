"""The webhooks' sender, scheduled: announces what happens by time, and sends what is due.

It reads the outbox in MySQL, and neither apply nor the consumer waits for it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from handlers import log, webhook_clients
from handlers.edge.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

# A request of 15 s, and its result's way into MySQL.
BATCH_MS = 20_000
# From one look to the next where the function is started once a minute.
LOOK_S = 0.5
# Of coupons that have expired, each of a thousand, before it sends: the next run goes on.
PAGES_MAX = 50


def webhook_sender_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Send all that is due; return how many events were announced, delivered, failed and dead.

    announced: rows that are new in the outbox because a campaign opened, sold out or closed.
    failed: to be tried again. Parallel runs are harmless: they take different rows.
    Raises UnavailableError without MySQL, and ConfigurationError where something is to be sent and
    WEBHOOK_SECRET is missing.
    """
    return _logged(_run(Deadline.of(context)), context)


def webhook_minute_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Do the same again and again until the function's time is over.

    A schedule of AWS's starts a function once a minute at most. Without webhooks it ends at once.
    """
    deadline = Deadline.of(context)
    totals = _run(deadline)
    while deadline.allows(BATCH_MS) and webhook_clients.webhooks().page("", 1):
        time.sleep(LOOK_S)
        for name, number in _run(deadline).items():
            totals[name] += number
    return _logged(totals, context)


def _run(deadline: Deadline) -> dict[str, int]:
    announced = _announce(deadline)
    sent = webhook_clients.webhook_sender().run(lambda: deadline.allows(BATCH_MS))
    return {"announced": announced, **sent}


def _announce(deadline: Deadline) -> int:
    announcements = webhook_clients.announcements()
    announced = announcements.campaigns()
    due = deque(announcements.campaigns_to_expire())
    singles = True
    for _ in range(PAGES_MAX):
        if not deadline.allows(BATCH_MS):
            break
        if singles:
            singles = announcements.expire_single()
        # In turn: a large campaign does not hold up another one.
        if due and announcements.expire(campaign_id := due.popleft()):
            due.append(campaign_id)
        if not singles and not due:
            break
    return announced


def _logged(totals: dict[str, int], context: Any) -> dict[str, int]:
    request_id = getattr(context, "aws_request_id", "webhook_sender")
    if any(totals.values()):
        log.info("webhook_sender_handler", {"request_id": request_id, **totals})
    if totals["dead"]:
        log.emit_metric(
            "events for webhooks were given up", "DeadWebhookDeliveries", totals["dead"], {}
        )
    return totals
