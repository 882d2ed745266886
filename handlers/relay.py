"""The relay, every minute: sends admissions to Kafka again that have been pending for too long.

An admission stays pending when apply was killed between Redis and Kafka, when Kafka was
unreachable, or when Redis was unreachable at the settle. Sending one too often is harmless.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.adapters.redis.admissions import OLDEST
from handlers.domain import metrics
from handlers.domain.attempts import LIST, Attempts
from handlers.domain.coupon import OutgoingMessage
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.edge.deadline import Deadline
from handlers.tracing.batch import Sending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from handlers.adapters.redis.admissions import PageStart
    from handlers.domain.coupon import CouponAccepted

# One request to Kafka holds about 100 kB of these, well below its megabyte.
BATCH = 500
# Per run, over all campaigns: a minute's work for one consumer, so that runs do not pile up.
RESEND_MAX = 20_000


def relay_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Send again, oldest first, within the function's time; return how many were sent.

    Each admission once, and again only after another PENDING_RESEND_AFTER_S. Parallel runs share
    the work. What Kafka does not acknowledge is left to the next run; what a killed run had taken
    is due again after PENDING_RESEND_AFTER_S.
    Raises UnavailableError at the end, naming campaigns whose server in a cluster is unreachable,
    and the list of campaigns where it is: then MySQL says which there are.
    """
    started, deadline = time.perf_counter(), Deadline.of(context)
    request_id = getattr(context, "aws_request_id", "relay")
    attempts = Attempts(goes_on=wiring.settings().redis_cluster)
    ids = _campaign_ids(attempts)
    oldest_s = _oldest_pending_s(ids, attempts)
    log.info("pending", {"request_id": request_id, "oldest_pending_s": oldest_s})
    sent = 0
    for campaign_id in ids:
        if campaign_id not in attempts.failures:
            sent += _relay(campaign_id, RESEND_MAX - sent, request_id, deadline, attempts)
    duration_ms = round((time.perf_counter() - started) * 1000)
    metrics.RELAYED.inc((), sent)
    fields = {"request_id": request_id, "sent": sent, "duration_ms": duration_ms}
    log.info("relay_handler", fields)
    attempts.raise_failures("not relayed")
    return {"sent": sent}


def _campaign_ids(attempts: Attempts) -> Sequence[str]:
    ids: Sequence[str] = ()
    with attempts.at(LIST):
        ids = wiring.redis_campaigns().ids()
    if LIST in attempts.failures:
        ids = [campaign.id for campaign in wiring.mysql_queries().campaigns()]
    return ids


def _oldest_pending_s(campaign_ids: Iterable[str], attempts: Attempts) -> float:
    """Return the age of the oldest admission not known to be in MySQL; it feeds an alarm."""
    oldest_s = 0.0
    for campaign_id in campaign_ids:
        with attempts.at(campaign_id):
            oldest_s = max(oldest_s, _oldest_pending_s_of(campaign_id))
    return oldest_s


def _oldest_pending_s_of(campaign_id: str) -> float:
    try:
        status = wiring.redis_campaigns().status(campaign_id)
    except (StaleStateError, CampaignNotFoundError):
        return 0.0  # closed until it is rebuilt; that has an alarm of its own
    if status.oldest_pending_ms is None:
        return 0.0
    return (status.now_ms - status.oldest_pending_ms) / 1000


def _relay(
    campaign_id: str, limit: int, request_id: str, deadline: Deadline, attempts: Attempts
) -> int:
    """Return how many of a campaign were sent; raise UnavailableError where Kafka takes no more."""
    admissions, settings = wiring.admissions(), wiring.settings()
    older_than_ms = settings.pending_resend_after_s * 1000
    start: PageStart | None = OLDEST
    sent = 0
    while start and sent < limit and deadline.allows(settings.kafka_ack_timeout_ms):
        # Counted from before the read: what it returns may be settled or lost meanwhile.
        ack_deadline = time.monotonic() + settings.kafka_ack_timeout_ms / 1000
        size = min(BATCH, limit - sent)
        coupons: list[CouponAccepted] = []
        page_start, start = start, None  # the last page, where the server does not respond any more
        with attempts.at(campaign_id):
            coupons, start = admissions.overdue(campaign_id, older_than_ms, page_start, size)
        unsent = _send(coupons, request_id, ack_deadline)
        sent += len(coupons) - len(unsent)
        if unsent:
            admissions.put_back(campaign_id, unsent)
            message = f"Kafka took {sent} of the overdue admissions of {campaign_id}"
            raise UnavailableError(message)
    return sent


def _send(
    coupons: Sequence[CouponAccepted], request_id: str, ack_deadline: float
) -> list[CouponAccepted]:
    """Return those that Kafka did not acknowledge."""
    if not coupons:
        return []
    sending = Sending()
    messages = [
        OutgoingMessage(coupon, request_id, ack_deadline, sending.header(coupon))
        for coupon in coupons
    ]
    acknowledged = wiring.publisher().publish_all(messages)
    sending.sent(acknowledged)
    return [coupon for coupon, is_sent in zip(coupons, acknowledged, strict=True) if not is_sent]
