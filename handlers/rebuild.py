"""The rebuild: brings back a Redis that restarted or lost its state, and opens its campaigns.

Until then apply answers 503: a Redis that forgot its last second would give the same serials
again. What Redis still holds, MySQL and the topic are united; what is durable outweighs the rest.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.errors import CampaignNotFoundError, StaleStateError
from handlers.domain.settlement import Holder, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handlers.domain.campaign import Campaign

# An apply counts an ack for nothing that comes later than KAFKA_ACK_TIMEOUT_MS after its
# decision; this much more covers that clocks of different machines run a little unevenly.
IN_FLIGHT_MARGIN_MS = 500
PAGE = 10_000


def rebuild_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Rebuild what needs it; return the campaigns that were opened. Harmless at any time.

    Raises UnavailableError while Redis, Kafka or MySQL do not answer: better closed than wrong.
    A run that is killed half-way leaves the campaigns closed, and the next one starts anew.
    """
    started = time.perf_counter()
    if not _needed():
        return {"rebuilt": []}
    with wiring.database().alone("rebuild") as alone:
        if not alone:
            return {"rebuilt": [], "running": True}
        rebuilt = _rebuild()
    duration_ms = round((time.perf_counter() - started) * 1000)
    log.warning("rebuilt", {"campaigns": rebuilt, "duration_ms": duration_ms})
    return {"rebuilt": rebuilt}


def _needed() -> bool:
    states = wiring.campaign_states()
    try:
        states.ping()
    except StaleStateError:
        return True
    return bool(_closed(wiring.coupon_queries().campaigns()))


def _rebuild() -> list[str]:
    restoration, queries = wiring.restoration(), wiring.coupon_queries()
    # In this order. First the runs: if Redis restarts again from here on, nothing is opened.
    run_of_epoch = restoration.run_of_epoch()
    closed = _closed(queries.campaigns())
    runs = {campaign.id: restoration.run_of(campaign.id) for campaign in closed}
    # Then the wait: whoever was admitted on an earlier run has reached Kafka by its end, or will
    # not be told ACCEPTED for it.
    time.sleep((wiring.settings().kafka_ack_timeout_ms + IN_FLIGHT_MARGIN_MS) / 1000)
    # Then the topic, then MySQL: what the consumers take from the one is found in the other.
    under_way = _decoded(wiring.topic().unconsumed())
    for campaign in closed:
        run_id = runs[campaign.id]
        issued = _restore_issued(campaign.id)
        restored = restoration.restore(campaign.id, _of_campaign(campaign, under_way))
        released = restoration.release_gaps(campaign.id, run_id)
        restoration.reopen(campaign, run_id)
        log.info(
            "campaign rebuilt",
            {
                "campaign_id": campaign.id,
                "issued": issued,
                "restored": restored,
                "released": released,
            },
        )
    restoration.renew_epoch(run_of_epoch)
    return [campaign.id for campaign in closed]


def _closed(campaigns: Iterable[Campaign]) -> list[Campaign]:
    """Return the campaigns of MySQL that cannot be applied to in Redis."""
    states = wiring.campaign_states()
    closed = []
    for campaign in campaigns:
        try:
            states.status(campaign.id)
        except (StaleStateError, CampaignNotFoundError):
            closed.append(campaign)
    return closed


def _decoded(values: Iterable[bytes | None]) -> list[CouponAccepted]:
    found = []
    for value in values:
        try:
            found.append(CouponAccepted.decode(value))
        except UndecodableError:
            continue  # poison: the consumer will keep it in failed_event
    return found


def _of_campaign(campaign: Campaign, accepted: Iterable[CouponAccepted]) -> list[CouponAccepted]:
    """Return what the schema would let through; a forged serial must not raise the count."""
    return [
        coupon
        for coupon in accepted
        if coupon.campaign_id == campaign.id and 1 <= coupon.serial <= campaign.quantity
    ]


def _restore_issued(campaign_id: str) -> int:
    """Put every coupon of MySQL into Redis, page by page; return how many there are."""
    queries, admissions = wiring.coupon_queries(), wiring.admissions()
    count = after = 0
    while page := queries.coupons(campaign_id, after, PAGE):
        admissions.settle(
            Settlement(campaign_id, coupon.user_id, coupon.serial, Holder.ISSUED) for coupon in page
        )
        count, after = count + len(page), page[-1].serial
    return count
