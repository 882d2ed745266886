"""The rebuild: restores a Redis that restarted or lost its state, and opens its campaigns.

Until then apply returns 503: a Redis that lost its last second would give the same serials
again. The rebuild merges what Redis still holds, failed_event, the topic and MySQL; durable data
takes precedence. It waits for no apply: the fence in MySQL decides which of them come too late.
tests/model checks the order of the steps.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, log, operations, wiring
from handlers.domain import metrics, stored_coupons
from handlers.domain.attempts import LIST, Attempts
from handlers.domain.errors import CampaignNotFoundError, MissingCampaignError, StaleStateError
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.domain.rejection_cache import EXPIRED_S
from handlers.edge.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from handlers.domain.campaign import Campaign
    from handlers.domain.coupon import CouponAccepted
    from handlers.domain.fence import FenceOffset, Unwritten

# A campaign that is in MySQL but not in Redis may still be being created, and a rebuild would make
# that creation fail. A creation is one request: API Gateway allows it 29 s.
CREATION_S = 30
PAGE = 10_000
# What a run still needs after the topic: the coupons of a large campaign.
AFTER_TOPIC_MS = 60_000
PAGE_MS = 5000  # a page of coupons, and giving back what no user holds; mostly well below a second


def rebuild_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Rebuild what needs it; return the campaigns that were opened. Harmless at any time.

    Raises UnavailableError while Redis, Kafka or MySQL is unreachable: better closed than wrong.
    Where only some servers of a cluster are, it names their campaigns after it opened all others.
    A run that is killed half-way leaves the campaigns closed, and the next one starts over.
    """
    started = time.perf_counter()
    is_cluster = wiring.settings().redis_cluster
    looks, attempts = Attempts(goes_on=is_cluster), Attempts(goes_on=is_cluster)
    campaigns = wiring.mysql_queries().campaigns()
    if not _needed(campaigns, looks):
        looks.raise_failures("not known to be open")
        wiring.unreadable_batches().resolve_read(wiring.topic())
        returned = coupon_clients.place_returner().complete_all(campaigns, attempts)
        attempts.raise_failures("without places that were returned")
        return {"rebuilt": []} | ({"places_returned": returned} if returned else {})
    with wiring.database().advisory_lock("rebuild") as is_locked:
        if not is_locked:
            return {"rebuilt": [], "running": True}
        rebuilt = _rebuild(attempts, Deadline.of(context))
    request_id = getattr(context, "aws_request_id", "rebuild")
    took_ms = round((time.perf_counter() - started) * 1000)
    log.warning("rebuilt", {"request_id": request_id, "campaigns": rebuilt, "duration_ms": took_ms})
    metrics.REBUILT.inc((), len(rebuilt))
    attempts.raise_failures("not opened")
    return {"rebuilt": rebuilt}


def _needed(campaigns: Sequence[Campaign], attempts: Attempts) -> bool:
    operations.completion().complete(campaigns)
    is_complete = True
    with attempts.at(LIST):
        is_complete = _is_complete(campaigns)
    return not is_complete or bool(_closed(campaigns, attempts))


def _is_complete(campaigns: Sequence[Campaign]) -> bool:
    """Return whether Redis lists all campaigns, but those that are just being created."""
    if wiring.redis_rebuild().lists_all([campaign.id for campaign in campaigns]):
        return True
    try:
        listed = set(wiring.redis_campaigns().ids())
    except StaleStateError:
        return False
    unlisted = (campaign.id for campaign in campaigns if campaign.id not in listed)
    return all(wiring.mysql_queries().age_s(name) < CREATION_S for name in unlisted)


def _rebuild(attempts: Attempts, deadline: Deadline) -> list[str]:
    redis_rebuild, queries = wiring.redis_rebuild(), wiring.mysql_queries()
    # First take the campaigns over: if Redis restarts or is flushed from here on, all stay closed.
    token, campaigns = None, queries.campaigns()
    with attempts.at(LIST):
        token = redis_rebuild.begin_epoch()
        # Before one is opened, where the list responds; otherwise a later run does it.
        redis_rebuild.add_to_list([campaign.id for campaign in campaigns])
    restores: list[_Restore] = []
    for campaign in _closed(campaigns, attempts):
        with attempts.at(campaign.id):
            restores += _take_over(campaign)
    rebuilt = _restore(restores, attempts, deadline) if restores else []
    campaigns = queries.campaigns()
    if any(campaign.id not in attempts.failures for campaign in _closed(campaigns, attempts)):
        raise StaleStateError  # Redis lost its state again: the next run starts over
    if token is not None:
        with attempts.at(LIST):
            redis_rebuild.renew_epoch(token, [campaign.id for campaign in campaigns])
    return rebuilt


def _take_over(campaign: Campaign) -> list[_Restore]:
    """Close a campaign under a fence of its own; nothing when a later rebuild has it.

    MySQL's fence first: if this process is killed in between, the two fences differ, and the next
    run takes the campaign over. From here on no change of it is made (domain/completion.py).
    """
    queries, redis_rebuild = wiring.mysql_queries(), wiring.redis_rebuild()
    fence = wiring.fences().raise_fence(campaign.id)
    row = queries.campaign(campaign.id)
    if row is None or row.archived or not redis_rebuild.begin(row.id, fence, row.erased_users):
        return []
    closed_at_s = time.monotonic()
    # Read while it is closed: who gives a coupon back from here on is not admitted again before it
    # opens, and a place that is returned is given to no applicant before.
    put_back = partial(redis_rebuild.restore, row.id, fence=fence, pending=False)
    given = stored_coupons.given_back(queries, row.id, put_back)
    places = (queries.campaign(row.id) or row).places_returned
    row = replace(row, fence=fence, places_returned=places)
    return [_Restore(row, wiring.fences().offsets(row.id), closed_at_s, given)]


def _restore(restores: Sequence[_Restore], attempts: Attempts, deadline: Deadline) -> list[str]:
    """Bring the campaigns back and open them; return those that are open.

    Read each source before the one that its records move into: the topic's offsets, which say what
    of it is not in MySQL, failed_event, coupon. Write in order of precedence, the highest last:
    failed_event, topic, coupon.
    """
    backlog = wiring.topic().unconsumed(lambda: deadline.allows(AFTER_TOPIC_MS))
    with closing(backlog):
        _each(restores, attempts, _Restore.add_failed)
        while page := list(islice(backlog.records, PAGE)):  # the backlog may exceed the memory
            _each(restores, attempts, partial(_Restore.add, records=page, pending=True))
    return _each(restores, attempts, lambda restore: restore.finish(backlog.ends, deadline))


def _each(
    restores: Sequence[_Restore], attempts: Attempts, step: Callable[[_Restore], None]
) -> list[str]:
    """Do a step for each campaign that has not failed before; return those that it succeeds for."""
    done = []
    for restore in restores:
        if restore.id not in attempts.failures:
            with attempts.at(restore.id):
                step(restore)
                done.append(restore.id)
    return done


@dataclass(slots=True)
class _Restore:
    """The rebuild of one campaign, under the fence that it has raised.

    earlier: how far the rebuilds before have read the topic. given_back: serials of coupons that
    their users gave back. loaded: the serials that have come from the source that is being read.
    """

    campaign: Campaign
    earlier: Sequence[FenceOffset]
    closed_at_s: float
    given_back: SerialBitset = field(default_factory=SerialBitset)
    loaded: SerialBitset = field(default_factory=SerialBitset)

    @property
    def id(self) -> str:
        return self.campaign.id

    def add_failed(self) -> None:
        """Restore what waits in failed_event."""
        for page in wiring.failed_event_queue().unresolved(self.id, PAGE):
            self.add(page, pending=False)
        self.loaded = SerialBitset()  # a record of the topic outweighs one that failed

    def add(self, records: Iterable[Unwritten], *, pending: bool) -> None:
        """Restore what these records say, as the schema would accept it."""
        in_time = list(stored_coupons.in_time(records, self.id, self.earlier))
        first = self._first_of_each(self._not_erased(in_time))
        wiring.redis_rebuild().restore(self.id, first, self.campaign.fence, pending=pending)

    def finish(self, ends: Mapping[int, int], deadline: Deadline) -> None:
        """Restore the rows of MySQL, and open the campaign.

        ends: how far the topic was read. From here on the consumer refuses what was sent before
        this rebuild and comes later; what it has written until now is among the rows.
        """
        redis_rebuild, fence, restored = wiring.redis_rebuild(), self.campaign.fence, 0
        wiring.fences().store_offsets(self.id, fence, wiring.topic().name, ends)
        for page in _issued(self.id, deadline):
            restored += redis_rebuild.restore(self.id, page, fence, pending=False)
        released = redis_rebuild.release_gaps(self.id, fence)
        # No process has cached a rejection since the campaign was closed.
        time.sleep(max(0.0, self.closed_at_s + EXPIRED_S - time.monotonic()))
        redis_rebuild.reopen(self.campaign, fence)
        wiring.failed_event_queue().requeue_dead(self.id)
        fields = {"campaign_id": self.id, "restored": restored, "released": released}
        log.info("campaign rebuilt", fields)

    def _not_erased(self, coupons: list[CouponAccepted]) -> list[CouponAccepted]:
        if not self.campaign.erased_users or not coupons:
            return coupons
        lookup = operations.coupon_reader().lookup_users
        return stored_coupons.not_erased(coupons, self.id, wiring.pseudonyms(), lookup)

    def _first_of_each(self, coupons: Sequence[CouponAccepted]) -> list[CouponAccepted]:
        """Return the first coupon of each user and of each serial, also of the pages before.

        A user who holds one of the loaded serials in Redis has it from there, so no set of all
        users is needed. Left out: a forged serial beyond the last one, and a coupon that was given
        back, since the user may have another one, which comes later.
        """
        users = [coupon.user_id for coupon in coupons]
        held = wiring.redis_rebuild().serials_of(self.id, users)
        known = {user for user, serial in zip(users, held, strict=True) if serial in self.loaded}
        first = []
        for coupon in coupons:
            fits = 1 <= coupon.serial <= self.campaign.last_serial
            fits = fits and coupon.serial not in self.given_back
            if fits and coupon.user_id not in known and coupon.serial not in self.loaded:
                known.add(coupon.user_id)
                self.loaded.add(coupon.serial)
                first.append(coupon)
        return first


def _closed(campaigns: Iterable[Campaign], attempts: Attempts) -> list[Campaign]:
    """Return the campaigns of MySQL that are closed to applicants in Redis."""
    closed = []
    for campaign in campaigns:
        with attempts.at(campaign.id):
            if _is_closed(campaign):
                closed.append(campaign)
    return closed


def _is_closed(campaign: Campaign) -> bool:
    wiring.redis_rebuild().require_primary(campaign.id)
    try:
        status = wiring.redis_campaigns().status(campaign.id)
    except (CampaignNotFoundError, MissingCampaignError):
        return wiring.mysql_queries().age_s(campaign.id) >= CREATION_S
    except StaleStateError:
        return True
    return status.campaign.fence < campaign.fence  # a rebuild was killed before it began in Redis


def _issued(campaign_id: str, deadline: Deadline) -> Iterator[list[CouponAccepted]]:
    rows = wiring.mysql_queries()
    return stored_coupons.issued(rows, campaign_id, lambda: deadline.require(PAGE_MS))
