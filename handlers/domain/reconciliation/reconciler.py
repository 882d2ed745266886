"""Compares Redis with MySQL and failed_event, campaign by campaign, while users keep applying.

Nothing is locked. A difference in the first pass may be a coupon in flight, so it is rechecked and
counts only when it is confirmed. One page of serials and one batch of differences are in memory.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.errors import CampaignNotFoundError, UnavailableError
from handlers.domain.reconciliation import differences as reconciliation
from handlers.domain.reconciliation.differences import (
    HELD_AND_RETURNED,
    NEVER_GIVEN_OUT,
    SOURCE_OF,
    Candidate,
    Discrepancy,
    Kind,
    Source,
)
from handlers.domain.reconciliation.law import CERTAIN, Law, StoredCampaign
from handlers.domain.reconciliation.serial_bitset import SerialBitset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from handlers.domain.reconciliation.differences import CampaignSnapshot, Entry
    from handlers.domain.reconciliation.law import StateCounts
    from handlers.domain.reconciliation.ports import AdmissionReader, CouponReader

PAGE = 10_000  # serials
# One script and one query of this many take some milliseconds each.
LOOKUP = 1000
# Differences that wait for their recheck; about 10 MB.
BATCH = 50_000
# A redrive writes a serial to Redis and to MySQL within milliseconds of each other, as does every
# other write in flight; a second is far longer than any of them takes.
RECHECK_DELAY_S = 1.0
# A single invalid serial is already a bug to look for; the list may be as long as a campaign.
INVALID_SERIALS_MAX = 100


class Reconciler:
    """One run over one campaign, over the serials above `after`.

    A user who is pending for stale_after_ms should have been sent again. Each step first asks
    `has_time`. Afterwards next_after is the serial to continue from when there was no time for all
    of them, and complete says whether there was time for everything. `progress` is called with the
    serial that is reached and the highest one.
    """

    def __init__(
        self,
        campaign_id: str,
        sides: tuple[AdmissionReader, CouponReader],
        stale_after_ms: int,
        after: int = 0,
        *,
        has_time: Callable[[], bool] = lambda: True,
        progress: Callable[[int, int], None] = lambda *_: None,
    ) -> None:
        self.complete = True
        self.next_after: int | None = None
        self._campaign_id = campaign_id
        self._admissions, self._coupons = sides
        self._stale_after_ms = stale_after_ms
        self._stale_at_ms = 0
        self._law = Law(StoredCampaign(None, 0, 0))
        self._after = after
        self._has_time = has_time
        self._progress = progress

    def differences(self) -> Iterator[list[Discrepancy]]:
        """Yield, in batches, what differed in the first pass and in the recheck.

        Raises UnavailableError when a server is unreachable or Redis is not sure of the campaign,
        CampaignNotFoundError when neither side knows it.
        """
        snapshot = self._snapshot()
        self._stale_at_ms = snapshot.now_ms - self._stale_after_ms
        found = self._first_pass(snapshot)
        while batch := list(islice(found, BATCH)):
            time.sleep(RECHECK_DELAY_S)
            confirmed = set(self._recheck(snapshot, batch))
            yield [difference for difference in batch if difference in confirmed]
        self._require_same_fence(snapshot)

    @property
    def states(self) -> StateCounts:
        """How many of the coupons that were compared so far are in each state."""
        return self._law.counts

    def _snapshot(self) -> CampaignSnapshot:
        try:
            return self._admissions.snapshot(self._campaign_id)
        except CampaignNotFoundError:
            if self._coupons.snapshot(self._campaign_id).quantity is None:
                raise
            message = "The campaign is in MySQL and not in Redis; a rebuild brings it back."
            raise UnavailableError(message) from None

    def _require_same_fence(self, snapshot: CampaignSnapshot) -> CampaignSnapshot:
        now = self._snapshot()
        if now.fence != snapshot.fence:
            message = "Redis was rebuilt meanwhile; compare again."
            raise UnavailableError(message)
        return now

    def _first_pass(self, snapshot: CampaignSnapshot) -> Iterator[Discrepancy]:
        """Yield the differences before the recheck.

        The order is snapshot, returned serials, holders: a serial goes from returned to held and
        never back, so a serial that is in neither of them is really missing, unless a repair gives
        it back just then.
        """
        stored = self._coupons.snapshot(self._campaign_id)
        self._law = Law(stored)
        returned, invalid = self._returned(snapshot.count)
        if not self._after:
            yield from _check_counters(snapshot, stored)
            yield from invalid
        highest = min(
            max(snapshot.count, snapshot.highest_serial, stored.highest_serial), SERIAL_MAX
        )
        both = SerialBitset()
        # One page at least, since there may be holders of invalid serials.
        for after in range(self._after, max(highest, self._after + 1), PAGE):
            if not self._has_time():
                self.next_after, self.complete = after, False
                break
            through = min(after + PAGE, highest)
            held: set[int] = set()
            yield from self._compare(after, through, held)
            states = self._coupons.states(self._campaign_id, after, through)
            yield from self._law.page(after, states)
            given_out = range(after + 1, min(through, snapshot.count) + 1)
            for serial in reconciliation.gaps(given_out, held, returned):
                yield Discrepancy(Kind.SERIAL_GAP, admitted_serial=serial)
            for serial in held:
                if serial in returned:
                    both.add(serial)
            self._progress(through, highest)
        else:
            if not self._after:
                yield from self._law.end(self._coupons.snapshot(self._campaign_id))
            yield from self._pending_for_long()
        yield from self._held_and_returned(both)

    def _compare(self, after: int, through: int, held: set[int]) -> Iterator[Discrepancy]:
        """Yield the differences of one page of serials; add the held serials to `held`."""
        admitted = self._admissions.admitted(self._campaign_id, after, through)
        issued = self._coupons.issued(self._campaign_id, after, through)
        return self._check(reconciliation.merge(_noting(admitted, held), issued))

    def _pending_for_long(self) -> Iterator[Discrepancy]:
        users = self._admissions.pending(self._campaign_id, self._stale_at_ms)
        while chunk := list(islice(users, LOOKUP)):
            if not self._has_time():
                self.complete = False
                return
            yield from self._check(Candidate(Source.PENDING, user) for user in chunk)

    def _check(self, candidates: Iterable[Candidate]) -> Iterator[Discrepancy]:
        """Yield what is wrong with each candidate, after a lookup by user.

        Redis is read first: an admission is settled there after MySQL has committed it.
        """
        remaining = iter(candidates)
        while chunk := list(islice(remaining, LOOKUP)):
            users = [candidate.user_id for candidate in chunk]
            ours = self._admissions.lookup_users(self._campaign_id, users)
            theirs = self._coupons.lookup_users(self._campaign_id, users)
            for candidate, admitted, issued in zip(chunk, ours, theirs, strict=True):
                yield from reconciliation.classify(candidate, admitted, issued, self._stale_at_ms)

    def _recheck(
        self, snapshot: CampaignSnapshot, batch: Sequence[Discrepancy]
    ) -> Iterator[Discrepancy]:
        """Yield the differences of `batch` that still exist, and maybe more."""
        now = self._require_same_fence(snapshot)
        yield from _check_counters(now, self._coupons.snapshot(self._campaign_id))
        yield from self._check(Candidate(SOURCE_OF[d.kind], d.user_id) for d in batch if d.user_id)
        yield from self._still_gaps({d.admitted_serial for d in batch if d.kind is Kind.SERIAL_GAP})
        # The first pass has looked twice at these, or they are so at any moment.
        seen = {NEVER_GIVEN_OUT, HELD_AND_RETURNED, *CERTAIN}
        yield from (d for d in batch if d.detail in seen)

    def _still_gaps(self, serials: set[int | None]) -> Iterator[Discrepancy]:
        """Yield those of `serials` that are still neither given back nor held.

        A repair may give them back meanwhile, and an applicant take them. Returned is read before
        held: a serial never moves the other way.
        """
        if serials:
            serials.difference_update(self._admissions.returned(self._campaign_id))
        left = iter(sorted(filter(None, serials)))
        while chunk := list(islice(left, LOOKUP)):
            for serial in self._admissions.unassigned_serials(self._campaign_id, chunk):
                yield Discrepancy(Kind.SERIAL_GAP, admitted_serial=serial)

    def _returned(self, count: int) -> tuple[SerialBitset, set[Discrepancy]]:
        """Return the serials that were given back, and the differences of invalid ones.

        count: how many were given out before. A serial above it may have been given out since then,
        and given back by a repair; so it is compared with the count of afterwards.
        """
        returned, above = SerialBitset(), set[int]()
        for serial in self._admissions.returned(self._campaign_id):
            if 1 <= serial <= min(count, SERIAL_MAX):
                returned.add(serial)
            elif len(above) < INVALID_SERIALS_MAX:
                above.add(serial)
        given_out = range(1, min(self._snapshot().count, SERIAL_MAX) + 1) if above else range(0)
        return returned, {_wrong(n, NEVER_GIVEN_OUT) for n in above if n not in given_out}

    def _held_and_returned(self, both: SerialBitset) -> Iterator[Discrepancy]:
        """Yield those of `both` that are still returned; most were taken in between."""
        if both:
            returned = self._admissions.returned(self._campaign_id)
            yield from {_wrong(serial, HELD_AND_RETURNED) for serial in returned if serial in both}


def _check_counters(snapshot: CampaignSnapshot, stored: StoredCampaign) -> list[Discrepancy]:
    return reconciliation.check_counters(snapshot, stored.quantity, stored.places_returned)


def _wrong(serial: int, detail: str) -> Discrepancy:
    return Discrepancy(Kind.COUNT_MISMATCH, admitted_serial=serial, detail=detail)


def _noting(entries: Iterable[Entry], held: set[int]) -> Iterator[Entry]:
    for entry in entries:
        held.add(entry[0])
        yield entry
