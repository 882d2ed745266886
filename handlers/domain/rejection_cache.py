"""What this process remembers of campaigns that admit nobody any more.

After the last coupon nearly every applicant is told SOLD_OUT, and there may be a thousand times
more of them than coupons. They are answered from memory for half a second at a time; winners never
are, since somebody who was accepted must not read that all is gone.
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

# A serial that was given back must be to be had again within a second. Only a rebuild gives any
# back, and it keeps its campaigns closed for longer than this: nobody wins behind our back.
TTL_S = 0.5
# Winners are asked for anew each time: 1,000 take Redis about 0.1 ms and this process 100 kB. With
# more of them Redis is asked about every single applicant, which costs it a tenth of that.
WINNERS_MAX = 1_000
# So long before the end of a memory one applicant is sent to Redis to renew it. Without that all
# applicants of some milliseconds would go there at once, twice a second.
REFRESH_AHEAD_S = 0.25
CAMPAIGNS_MAX = 100

FINAL = frozenset({Outcome.SOLD_OUT, Outcome.CLOSED})


@dataclass(frozen=True, slots=True)
class Rejection:
    """What everybody but the winners is told."""

    admission: Admission
    winners: frozenset[str]


class Admissions(Protocol):
    """Where refusals come from."""

    def rejection(self, campaign_id: str, winners_max: int) -> Rejection | None:
        """Return how the campaign refuses everybody; None where it may still admit somebody."""


UNKNOWN: tuple[float, Rejection | None] = (0.0, None)


class RejectionCache:
    """Refusals of the last moments, by campaign; shared by all threads."""

    def __init__(self, admissions: Admissions, clock: Callable[[], float] = time.monotonic) -> None:
        self._admissions = admissions
        self._clock = clock
        self._refreshing = Lock()
        self._known: dict[str, tuple[float, Rejection | None]] = {}
        self._refreshes: dict[str, float] = {}  # the end of what somebody was sent to renew

    def get(self, campaign_id: str, user_id: str) -> Admission | None:
        """Return the refusal of this applicant, None where Redis must be asked: by the caller."""
        admission = self._admission(campaign_id, user_id)
        if admission and self._is_due(campaign_id):
            # Without a lock two may do it, which costs a question more and nothing else.
            self._refreshes[campaign_id] = self._known.get(campaign_id, UNKNOWN)[0]
            return None
        return admission

    def peek(self, campaign_id: str, user_id: str) -> Admission | None:
        """Return the same to somebody who will not ask Redis."""
        return None if self._is_due(campaign_id) else self._admission(campaign_id, user_id)

    def has(self, campaign_id: str) -> bool:
        """Tell whether anything is known of a campaign, perhaps of some time ago."""
        return campaign_id in self._known

    def refresh(self, campaign_id: str, outcome: Outcome) -> None:
        """Ask Redis for the winners after a refusal; one thread at a time, at most once in a while.

        Whoever asks is answered already, so a Redis that fails meanwhile only leaves us ignorant.
        """
        expires_at = self._known.get(campaign_id, UNKNOWN)[0]
        if outcome not in FINAL or self._clock() < expires_at - REFRESH_AHEAD_S:
            return
        if not self._refreshing.acquire(blocking=False):
            return
        try:
            # Counted from before the question, so that no answer is older than that.
            expires_at = self._clock() + TTL_S
            rejection = self._admissions.rejection(campaign_id, WINNERS_MAX)
            if len(self._known) >= CAMPAIGNS_MAX:
                self._known.clear()
                self._refreshes.clear()
            self._known[campaign_id] = (expires_at, rejection)
        except ServiceError:
            return
        finally:
            self._refreshing.release()

    def _admission(self, campaign_id: str, user_id: str) -> Admission | None:
        expires_at, rejection = self._known.get(campaign_id, UNKNOWN)
        if rejection is None or self._clock() >= expires_at or user_id in rejection.winners:
            return None
        return rejection.admission

    def _is_due(self, campaign_id: str) -> bool:
        """Tell whether what is known should be renewed, and nobody is at it."""
        expires_at = self._known.get(campaign_id, UNKNOWN)[0]
        is_late = self._clock() >= expires_at - REFRESH_AHEAD_S
        return is_late and self._refreshes.get(campaign_id) != expires_at
