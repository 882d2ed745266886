"""A cache of the rejections of campaigns that admit no applicant any more.

After the last coupon nearly every applicant gets SOLD_OUT, and there may be a thousand times more
of them than coupons. They get the cached rejection, for half a second at a time. Winners never get
it, since an accepted user must not read SOLD_OUT.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from handlers.domain.admission import Admission, Outcome
from handlers.domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

# A serial that was given back must be available again within a second.
TTL_S = 0.5
# When every cache has forgotten a rejection, however late the process reads its clock. Who gives
# serials back lets no process cache one meanwhile: no user wins unseen by a cache.
EXPIRED_S = TTL_S + 0.1
# Each refresh reads all winners: 1,000 take Redis about 0.1 ms and this process 100 kB. With more
# of them Redis is asked about every single applicant, which costs it a tenth of that.
WINNERS_MAX = 1_000
# This long before an entry expires, one applicant is sent to Redis to refresh it. Without that all
# applicants of some milliseconds would go to Redis at once, twice a second.
REFRESH_AHEAD_S = 0.25
CAMPAIGNS_MAX = 100
# An erased user is in no entry for longer, as long as applicants of any campaign come.
FORGOTTEN_S = 60.0

FINAL = frozenset({Outcome.SOLD_OUT, Outcome.CLOSED})


@dataclass(frozen=True, slots=True)
class Rejection:
    """The decision for all applicants except the winners."""

    admission: Admission
    winners: frozenset[str]


class RejectionSource(Protocol):
    """The source of rejections."""

    def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
        """Return how the campaign rejects all applicants; None where it may still admit one."""


UNKNOWN: tuple[float, Rejection | None] = (0.0, None)


class RejectionCache:
    """Recent rejections by campaign; shared by all threads."""

    def __init__(
        self, admissions: RejectionSource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._admissions = admissions
        self._clock = clock
        self._refreshing = Lock()
        self._known: dict[str, tuple[float, Rejection | None]] = {}
        self._refreshes: dict[str, float] = {}  # expiry of the entry that is being refreshed

    def get(self, campaign_id: str, user_id: str) -> Admission | None:
        """Return the rejection of this applicant, None where the caller must ask Redis."""
        admission, due_at = self._look(campaign_id, user_id)
        if due_at:
            # Without a lock two threads may do it, which costs only one more request.
            self._refreshes[campaign_id] = due_at
        return None if due_at else admission

    def peek(self, campaign_id: str, user_id: str) -> Admission | None:
        """Return the same for a caller that will not ask Redis."""
        admission, due_at = self._look(campaign_id, user_id)
        return None if due_at else admission

    def has(self, campaign_id: str) -> bool:
        """Return whether there is an entry for a campaign, perhaps an expired one."""
        return campaign_id in self._known

    def refresh(self, campaign_id: str, outcome: Outcome) -> None:
        """Ask Redis for the winners after a rejection, one thread at a time, when it is due.

        The applicant has the decision already, so a failure of Redis only leaves the cache old.
        """
        expires_at = self._known.get(campaign_id, UNKNOWN)[0]
        if outcome not in FINAL or self._clock() < expires_at - REFRESH_AHEAD_S:
            return
        if not self._refreshing.acquire(blocking=False):
            return
        try:
            # Counted from before the request, so that no entry is older than TTL_S.
            expires_at = self._clock() + TTL_S
            rejection = self._admissions.rejection(campaign_id, WINNERS_MAX)
            if len(self._known) >= CAMPAIGNS_MAX:
                self._known.clear()
                self._refreshes.clear()
            self._known[campaign_id] = (expires_at, rejection)
            self._forget_winners()
        except ServiceError:
            return
        finally:
            self._refreshing.release()

    def _forget_winners(self) -> None:
        """Let go of the winners of campaigns for which no applicant has come for a while."""
        long_ago = self._clock() - FORGOTTEN_S
        for campaign_id, (expires_at, rejection) in list(self._known.items()):
            if rejection and expires_at < long_ago:
                self._known[campaign_id] = (expires_at, None)

    def _look(self, campaign_id: str, user_id: str) -> tuple[Admission | None, float]:
        """Return the rejection, and when its entry expires if that is soon and no one refreshes it.

        That is 0 otherwise, and where there is no rejection.
        """
        expires_at, rejection = self._known.get(campaign_id, UNKNOWN)
        now = self._clock()
        if rejection is None or now >= expires_at or user_id in rejection.winners:
            return None, 0.0
        is_late = now >= expires_at - REFRESH_AHEAD_S
        is_due = is_late and self._refreshes.get(campaign_id) != expires_at
        return rejection.admission, expires_at if is_due else 0.0
