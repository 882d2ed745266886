"""The rebuild: restores a Redis that restarted or lost its state, and opens its campaigns.

Until then apply returns 503: a Redis that lost its last second would give the same serials
again. The rebuild merges what Redis still holds, failed_event, the topic and MySQL; durable data
takes precedence. tests/model checks the order of the steps.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.errors import CampaignNotFoundError, StaleStateError
from handlers.domain.fence import Unwritten, is_late
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.edge.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from handlers.domain.campaign import Campaign
    from handlers.domain.fence import FenceOffset

# A campaign that is in MySQL but not in Redis may still be being created, and a rebuild would make
# that creation fail. A creation is one request: API Gateway allows it 29 s.
CREATION_S = 30
PAGE = 10_000
# What a run still needs after the topic: the coupons of a large campaign.
AFTER_TOPIC_MS = 60_000


def rebuild_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Rebuild what needs it; return the campaigns that were opened. Harmless at any time.

    Raises UnavailableError while Redis, Kafka or MySQL is unreachable: better closed than wrong.
    A run that is killed half-way leaves the campaigns closed, and the next one starts over.
    """
    started = time.perf_counter()
    if not _needed():
        return {"rebuilt": []}
    with wiring.database().advisory_lock("rebuild") as is_locked:
        if not is_locked:
            return {"rebuilt": [], "running": True}
        deadline = Deadline.of(context)
        rebuilt = _rebuild(lambda: deadline.allows(AFTER_TOPIC_MS))
    request_id = getattr(context, "aws_request_id", "rebuild")
    duration_ms = round((time.perf_counter() - started) * 1000)
    fields = {"request_id": request_id, "campaigns": rebuilt, "duration_ms": duration_ms}
    log.warning("rebuilt", fields)
    return {"rebuilt": rebuilt}


def _needed() -> bool:
    states = wiring.redis_campaigns()
    try:
        states.ping()
    except StaleStateError:
        return True
    return bool(_closed(wiring.mysql_queries().campaigns()))


def _rebuild(has_time: Callable[[], bool]) -> list[str]:
    redis_rebuild, queries = wiring.redis_rebuild(), wiring.mysql_queries()
    # First take the campaigns over: if Redis restarts or is flushed from here on, all stay closed.
    token = redis_rebuild.begin_epoch()
    campaigns = queries.campaigns()
    rebuilds = [taken for campaign in _closed(campaigns) if (taken := _take_over(campaign))]
    # Then read, each source before the one that its records move into: the topic's offsets, which
    # say what of it is not in MySQL, failed_event, the topic, coupon. And write in order of
    # precedence, the highest last.
    if rebuilds:
        _restore(rebuilds, has_time)
    if _closed(queries.campaigns()):
        raise StaleStateError  # Redis lost its state again: the next run starts over
    redis_rebuild.renew_epoch(token, [campaign.id for campaign in campaigns])
    return [campaign.id for campaign in rebuilds]


def _take_over(campaign: Campaign) -> Campaign | None:
    """Close a campaign under a fence of its own; None when a later rebuild has it.

    MySQL's fence first: if this process is killed in between, the two fences differ, and the next
    run takes the campaign over.
    """
    fence = wiring.fences().raise_fence(campaign.id)
    if not wiring.redis_rebuild().begin(campaign.id, fence):
        return None
    return replace(campaign, fence=fence)


def _restore(campaigns: Sequence[Campaign], has_time: Callable[[], bool]) -> None:
    fences, topic = wiring.fences(), wiring.topic()
    with closing(topic.unconsumed(has_time)) as unread:
        earlier = {campaign.id: fences.offsets(campaign.id) for campaign in campaigns}
        for campaign in campaigns:
            failed = wiring.failed_event_queue().unresolved(campaign.id)
            first = _first_of_each(campaign, _in_time(failed, earlier), SerialBitset())
            wiring.redis_rebuild().restore(campaign.id, first, campaign.fence, pending=False)
        ends = _restore_unread(campaigns, unread, earlier)
    for campaign in campaigns:
        # From here on, the consumer refuses what was sent before this rebuild and is behind `ends`.
        fences.store_offsets(campaign.id, campaign.fence, topic.name, ends)
        _restore_issued(campaign)


def _restore_unread(
    campaigns: Sequence[Campaign],
    unread: Generator[Unwritten, None, Mapping[int, int]],
    earlier: Mapping[str, Sequence[FenceOffset]],
) -> Mapping[int, int]:
    """Restore page by page, since the backlog may be larger than the memory; return its ends."""
    loaded = {campaign.id: SerialBitset() for campaign in campaigns}
    ends: Mapping[int, int] | None = None
    while ends is None:
        page = list[Unwritten]()
        try:
            while len(page) < PAGE:
                page.append(next(unread))
        except StopIteration as end:
            ends = end.value
        coupons = list(_in_time(page, earlier))
        for campaign in campaigns:
            first = _first_of_each(campaign, coupons, loaded[campaign.id])
            wiring.redis_rebuild().restore(campaign.id, first, campaign.fence, pending=True)
    return ends


def _restore_issued(campaign: Campaign) -> None:
    """Restore the rows of MySQL, and open the campaign."""
    redis_rebuild, restored = wiring.redis_rebuild(), 0
    for page in _issued(campaign.id):
        restored += redis_rebuild.restore(campaign.id, page, campaign.fence, pending=False)
    released = redis_rebuild.release_gaps(campaign.id, campaign.fence)
    redis_rebuild.reopen(campaign, campaign.fence)
    wiring.failed_event_queue().requeue_dead(campaign.id)
    fields = {"campaign_id": campaign.id, "restored": restored, "released": released}
    log.info("campaign rebuilt", fields)


def _in_time(
    records: Iterable[Unwritten], earlier: Mapping[str, Sequence[FenceOffset]]
) -> Iterator[CouponAccepted]:
    """Yield the coupons of these campaigns that no earlier rebuild has missed.

    A coupon that an earlier rebuild has missed is of a user who was not accepted.
    """
    for value, position in records:
        try:
            coupon = CouponAccepted.decode(value)
        except UndecodableError:
            continue  # the consumer dead-letters it
        offsets = earlier.get(coupon.campaign_id)
        if offsets is not None and not is_late(coupon.fence, position, offsets):
            yield coupon


def _closed(campaigns: Iterable[Campaign]) -> list[Campaign]:
    """Return the campaigns of MySQL that are closed to applicants in Redis."""
    return [campaign for campaign in campaigns if _is_closed(campaign)]


def _is_closed(campaign: Campaign) -> bool:
    try:
        status = wiring.redis_campaigns().status(campaign.id)
    except StaleStateError:
        return True
    except CampaignNotFoundError:  # raised only while Redis has lost nothing
        return wiring.mysql_queries().age_s(campaign.id) >= CREATION_S
    return status.campaign.fence < campaign.fence  # a rebuild was killed before it began in Redis


def _first_of_each(
    campaign: Campaign, accepted: Iterable[CouponAccepted], loaded: SerialBitset
) -> list[CouponAccepted]:
    """Return what the schema would accept: the first coupon of each user and of each serial.

    `loaded` are the serials of the pages before, and gets those of this one. A user who holds one
    of them in Redis has it from there, so no set of all users is needed. A forged serial beyond
    the quantity is left out.
    """
    ours = [coupon for coupon in accepted if coupon.campaign_id == campaign.id]
    held = wiring.redis_rebuild().serials_of(campaign.id, [coupon.user_id for coupon in ours])
    users = {c.user_id for c, serial in zip(ours, held, strict=True) if serial in loaded}
    first = []
    for coupon in ours:
        fits = 1 <= coupon.serial <= campaign.quantity
        if fits and coupon.user_id not in users and coupon.serial not in loaded:
            users.add(coupon.user_id)
            loaded.add(coupon.serial)
            first.append(coupon)
    return first


def _issued(campaign_id: str) -> Iterator[list[CouponAccepted]]:
    """Yield every coupon of MySQL, page by page."""
    queries, after = wiring.mysql_queries(), 0
    while page := queries.coupons(campaign_id, after, PAGE):
        yield [CouponAccepted(campaign_id, c.user_id, c.serial, c.admitted_at_ms) for c in page]
        after = page[-1].serial
