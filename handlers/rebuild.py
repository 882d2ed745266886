"""The rebuild: restores a Redis that restarted or lost its state, and opens its campaigns.

Until then apply returns 503: a Redis that lost its last second would give the same serials
again. The rebuild merges what Redis still holds, failed_event, the topic and MySQL; durable data
takes precedence. tests/model checks the order of the steps.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain.attempts import Attempts
from handlers.domain.coupon import CouponAccepted, decoded
from handlers.domain.errors import (
    CampaignNotFoundError,
    MissingCampaignError,
    StaleStateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from handlers.domain.campaign import Campaign

# An apply ignores an ack that comes later than KAFKA_ACK_TIMEOUT_MS after its decision; this
# margin covers that clocks of different machines run at slightly different speeds.
IN_FLIGHT_MARGIN_MS = 500
# A campaign that is in MySQL but not in Redis may still be being created, and a rebuild would make
# that creation fail. A creation is one request: API Gateway allows it 29 s.
CREATION_S = 30
PAGE = 10_000
# How an error names the list of all campaigns, which has the epoch.
LIST = "the list of campaigns"


def rebuild_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Rebuild what needs it; return the campaigns that were opened. Harmless at any time.

    Raises UnavailableError while Redis, Kafka or MySQL is unreachable: better closed than wrong.
    Where only some servers of a cluster are, it names their campaigns after it opened all others.
    A run that is killed half-way leaves the campaigns closed, and the next one starts over.
    """
    started = time.perf_counter()
    is_cluster = wiring.settings().redis_cluster
    looks, attempts = Attempts(goes_on=is_cluster), Attempts(goes_on=is_cluster)
    if not _needed(looks):
        looks.raise_failures("not known to be open")
        return {"rebuilt": []}
    with wiring.database().advisory_lock("rebuild") as is_locked:
        if not is_locked:
            return {"rebuilt": [], "running": True}
        rebuilt = _rebuild(attempts)
    request_id = getattr(context, "aws_request_id", "rebuild")
    duration_ms = round((time.perf_counter() - started) * 1000)
    fields = {"request_id": request_id, "campaigns": rebuilt, "duration_ms": duration_ms}
    log.warning("rebuilt", fields)
    attempts.raise_failures("not opened")
    return {"rebuilt": rebuilt}


def _needed(attempts: Attempts) -> bool:
    is_known = True
    with attempts.at(LIST):
        try:
            wiring.redis_campaigns().ping()
        except StaleStateError:
            is_known = False
    return not is_known or bool(_closed(wiring.mysql_queries().campaigns(), attempts))


def _rebuild(attempts: Attempts) -> list[str]:
    redis_rebuild, queries = wiring.redis_rebuild(), wiring.mysql_queries()
    # First take the campaigns over: if Redis restarts or is flushed from here on, all stay closed.
    token = None
    with attempts.at(LIST):
        token = redis_rebuild.begin_epoch()
    rebuilds = []
    for campaign in _closed(queries.campaigns(), attempts):
        with attempts.at(campaign.id):
            rebuilds.append(_take_over(campaign))
    # Then wait: by the end of it every earlier admission is in Kafka, or its applicant does not
    # get ACCEPTED.
    time.sleep((wiring.settings().kafka_ack_timeout_ms + IN_FLIGHT_MARGIN_MS) / 1000)
    # Then read, each source before the one that its records move into: topic, failed_event, coupon.
    in_flight = decoded(wiring.topic().unconsumed())
    rebuilt = []
    for taken in filter(None, rebuilds):
        with attempts.at(taken.id):
            _restore(taken, in_flight)
            rebuilt.append(taken.id)
    campaigns = queries.campaigns()
    if any(campaign.id not in attempts.failures for campaign in _closed(campaigns, attempts)):
        raise StaleStateError  # Redis lost its state again: the next run starts over
    if token is not None:
        with attempts.at(LIST):
            redis_rebuild.renew_epoch(token, [campaign.id for campaign in campaigns])
    return rebuilt


def _take_over(campaign: Campaign) -> Campaign | None:
    """Close a campaign under a fence of its own; None when a later rebuild has it.

    MySQL's fence first: if this process is killed in between, the two fences differ, and the next
    run takes the campaign over.
    """
    fence = wiring.fences().raise_fence(campaign.id)
    if not wiring.redis_rebuild().begin(campaign.id, fence):
        return None
    return replace(campaign, fence=fence)


def _restore(campaign: Campaign, in_flight: Sequence[CouponAccepted]) -> None:
    redis_rebuild, queue = wiring.redis_rebuild(), wiring.failed_event_queue()
    # In order of precedence, the highest last.
    dead_lettered = _first_of_each(campaign, queue.unresolved(campaign.id))
    restored = redis_rebuild.restore(campaign.id, dead_lettered, campaign.fence, pending=False)
    sent = _first_of_each(campaign, in_flight)
    restored += redis_rebuild.restore(campaign.id, sent, campaign.fence, pending=True)
    for page in _issued(campaign.id):
        restored += redis_rebuild.restore(campaign.id, page, campaign.fence, pending=False)
    released = redis_rebuild.release_gaps(campaign.id, campaign.fence)
    redis_rebuild.reopen(campaign, campaign.fence)
    queue.requeue_dead(campaign.id)
    fields = {"campaign_id": campaign.id, "restored": restored, "released": released}
    log.info("campaign rebuilt", fields)


def _closed(campaigns: Iterable[Campaign], attempts: Attempts) -> list[Campaign]:
    """Return the campaigns of MySQL that are closed to applicants in Redis."""
    closed = []
    for campaign in campaigns:
        with attempts.at(campaign.id):
            if _is_closed(campaign):
                closed.append(campaign)
    return closed


def _is_closed(campaign: Campaign) -> bool:
    try:
        status = wiring.redis_campaigns().status(campaign.id)
    except (CampaignNotFoundError, MissingCampaignError):
        return wiring.mysql_queries().age_s(campaign.id) >= CREATION_S
    except StaleStateError:
        return True
    return status.campaign.fence < campaign.fence  # a rebuild was killed before it began in Redis


def _first_of_each(campaign: Campaign, accepted: Iterable[CouponAccepted]) -> list[CouponAccepted]:
    """Return what the schema would accept: the first coupon of each user and of each serial.

    A forged serial beyond the quantity must not raise the count.
    """
    users: set[str] = set()
    serials: set[int] = set()
    first = []
    for coupon in accepted:
        fits = coupon.campaign_id == campaign.id and 1 <= coupon.serial <= campaign.quantity
        if fits and coupon.user_id not in users and coupon.serial not in serials:
            users.add(coupon.user_id)
            serials.add(coupon.serial)
            first.append(coupon)
    return first


def _issued(campaign_id: str) -> Iterator[list[CouponAccepted]]:
    """Yield every coupon of MySQL, page by page."""
    queries, after = wiring.mysql_queries(), 0
    while page := queries.coupons(campaign_id, after, PAGE):
        yield [CouponAccepted(campaign_id, c.user_id, c.serial, c.admitted_at_ms) for c in page]
        after = page[-1].serial
