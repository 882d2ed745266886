"""What Redis, MySQL and failed_event disagree about, and its repair as far as the API can."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, operations, wiring
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.coupon import decoded
from handlers.domain.errors import UnavailableError
from handlers.domain.reconciliation.differences import Discrepancy, Kind
from handlers.domain.reconciliation.law import StateCounts
from handlers.domain.reconciliation.reconciler import PAGE, Reconciler
from handlers.domain.reconciliation.repair import repair
from handlers.edge.deadline import Deadline
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.domain.reconciliation.serial_bitset import SerialBitset
    from handlers.edge.http.request import Request

# API Gateway waits for 29 s at most; the next call continues with the rest.
RECONCILE_NOW_S = 24
# A page of serials takes about 50 ms, and the recheck of all differences some seconds.
STEP_MS = 4000
# About 150 kB of a response, and more than an operator reads.
LISTED_MAX = 1000
# The relay resends after PENDING_RESEND_AFTER_S; after twice that time it should have done so.
RESENDS_MISSED = 2


@endpoint
def reconciliation_handler(request: Request) -> dict[str, Any]:
    """GET /campaigns/{id}/reconciliation: all in numbers, and the first 1,000 differences.

    next_after: where the next call continues (?after=) when there was no time for all serials.
    """
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    after = request.number("after", 0, 0, SERIAL_MAX)
    deadline = Deadline.after(RECONCILE_NOW_S)
    reconciler = compare(campaign_id, after, has_time=lambda: deadline.allows(STEP_MS))
    report = ReconciliationReport()
    for batch in reconciler.differences():
        report.add(batch)
    report.states = reconciler.states
    request.log_fields["differences"] = report.total
    return json_response(
        200,
        {
            "campaign_id": campaign_id,
            **report.to_json(),
            "truncated": report.total > LISTED_MAX or not reconciler.complete,
            "next_after": reconciler.next_after,
        },
    )


@endpoint
def repair_handler(request: Request) -> dict[str, Any]:
    """POST /campaigns/{id}/repair: repair what is safe while users apply. May be repeated.

    Serials that no user holds are not given back: that needs the topic, which the API does not
    read. The program `local.reconcile --repair` and the rebuild do it.
    next_after: where the next call continues (?after=) when there was no time for all serials.
    places_left: returned places that there was no time to make known to Redis; then nothing was
    compared, and the next call continues with them.
    """
    wiring.authenticator().require_admin(request.headers)
    campaign_id = request.campaign_id()
    after = request.number("after", 0, 0, SERIAL_MAX)
    deadline = Deadline.after(RECONCILE_NOW_S)

    def has_time() -> bool:
        return deadline.allows(STEP_MS)

    found, repaired, next_after = Counter[Kind](), Counter[Kind](), None
    places_left = complete_returns(campaign_id, has_time)
    if places_left:  # what Redis has not heard of yet would look like differences
        next_after = after
    else:
        reconciler = compare(campaign_id, after, has_time=has_time)
        for batch in reconciler.differences():
            found.update(difference.kind for difference in batch)
            repaired += repair(
                campaign_id, batch, wiring.admissions().settle, operations.admission_reader()
            )
        next_after = reconciler.next_after
    request.log_fields.update(differences=found.total(), repaired=repaired.total())
    return json_response(
        200,
        {
            "campaign_id": campaign_id,
            "counts": {kind: found[kind] for kind in Kind},
            "repaired": {kind: repaired[kind] for kind in Kind},
            "places_left": places_left,
            "truncated": bool(places_left) or not reconciler.complete,
            "next_after": next_after,
        },
    )


def compare(
    campaign_id: str,
    after: int = 0,
    *,
    has_time: Callable[[], bool] = lambda: True,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Reconciler:
    """Return a reconciler of the servers in the settings, not started yet."""
    sides = operations.admission_reader(), operations.coupon_reader()
    stale_after_ms = RESENDS_MISSED * wiring.settings().pending_resend_after_s * 1000
    return Reconciler(
        campaign_id, sides, stale_after_ms, after, has_time=has_time, progress=progress
    )


def complete_returns(campaign_id: str, has_time: Callable[[], bool] = lambda: True) -> int:
    """Let Redis know of the places that MySQL has returned; the scheduled rebuild does it, too.

    Returns how many of them there was no time for. Raises UnavailableError.
    """
    campaign = wiring.mysql_queries().campaign(campaign_id)
    if campaign is None or campaign.archived or not campaign.places_returned:
        return 0
    return coupon_clients.place_returner().complete_one(campaign, has_time)


def give_gaps_back(campaign_id: str, gaps: SerialBitset) -> int:
    """Give back those of `gaps` that no record and no coupon has; return how many.

    `gaps` are serials that Redis gave out and that no user holds; those that are not proven are
    removed from it. Raises UnavailableError when a server is unreachable, or while a rebuild or
    another repair runs.
    """
    with wiring.database().advisory_lock("rebuild") as is_locked:
        if not is_locked:
            message = "a rebuild or another repair is running"
            raise UnavailableError(message)
        for serial in _in_use(campaign_id, gaps):
            gaps.discard(serial)
        return operations.admission_reader().give_back(campaign_id, gaps)


def _in_use(campaign_id: str, gaps: SerialBitset) -> Iterator[int]:
    """Yield serials that a record or a coupon has, or that are given back already.

    Each source is read before the one that its records move into. A record that is not yet in the
    topic needs none of `gaps`: its user holds its serial in Redis.
    """
    unread = decoded(record.value for record in wiring.topic().unconsumed().records)
    yield from (coupon.serial for coupon in unread if coupon.campaign_id == campaign_id)
    for page in wiring.failed_event_queue().unresolved(campaign_id, PAGE):
        yield from (coupon.serial for coupon in decoded(record.value for record in page))
    for after in sorted({(serial - 1) // PAGE * PAGE for serial in gaps}):
        issued = operations.coupon_reader().issued(campaign_id, after, after + PAGE)
        yield from (serial for serial, _ in issued)
    yield from operations.admission_reader().returned(campaign_id)


class ReconciliationReport:
    """Counts differences by kind and stores the first LISTED_MAX of them."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self.first: list[Discrepancy] = []
        self.states = StateCounts()  # of the coupons that were compared

    @property
    def total(self) -> int:
        """The number of all differences."""
        return self.counts.total()

    def add(self, batch: list[Discrepancy]) -> None:
        """Add a batch of differences."""
        self.counts.update(difference.kind for difference in batch)
        self.first += batch[: LISTED_MAX - len(self.first)]

    def to_json(self) -> dict[str, Any]:
        """Return the counts of every kind and state, and the first differences."""
        return {
            "counts": {kind: self.counts[kind] for kind in Kind},
            "states": self.states.to_json(),
            "differences": [_json(difference) for difference in self.first],
        }


def _json(difference: Discrepancy) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "user_id": difference.user_id,
        "admitted_serial": difference.admitted_serial,
        "issued_serial": difference.issued_serial,
        "detail": difference.detail,
    }
