"""Places of coupons that were given back or revoked, for other applicants.

MySQL counts them first, and takes one serial more for each, then Redis, which gives it. Where a
process was killed in between, or Redis did not respond, the next one completes it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handlers.domain.errors import UnavailableError
from handlers.domain.rejection_cache import EXPIRED_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.domain.attempts import Attempts
    from handlers.domain.campaign import Campaign

Return = tuple[int, str | None]  # serial, and the user where it was given back

BATCH = 500  # returns in one script: a millisecond's work
# So many threads of a process wait until no process remembers that a campaign is sold out. One that
# wakes up does the returns of all; where none of them comes to it, the scheduled rebuild does.
WAITING_MAX = 4


@dataclass(frozen=True, slots=True)
class Returns:
    """The next returns of a campaign after the first `before` of them, in their order.

    The serials stay given: each return raises the last serial of the campaign by one.
    """

    campaign_id: str
    before: int
    returns: Sequence[Return]

    @property
    def after(self) -> int:
        """How many returns there are with these."""
        return self.before + len(self.returns)

    @property
    def given_back(self) -> list[tuple[str, int]]:
        """User and serial of each coupon that its user gave back."""
        return [(user, serial) for serial, user in self.returns if user is not None]


class ReturnsOutcome(StrEnum):
    """What became of returns in Redis; return_places.lua uses the same values."""

    DONE = "DONE"
    OTHER = "OTHER"  # they are not the next ones
    WAIT = "WAIT"  # announced, to be sent again


class AppliedReturns(NamedTuple):
    """What became of returns, and how many Redis knows of now."""

    outcome: ReturnsOutcome
    number: int


class CountedReturns(Protocol):
    """The returns in MySQL."""

    def since(self, campaign_id: str, number: int, limit: int) -> Returns:
        """Return the next returns after the first `number` of them, at most `limit`."""


class KnownReturns(Protocol):
    """The returns that Redis knows of."""

    def numbers(self, campaign_ids: Sequence[str]) -> Sequence[int | UnavailableError]:
        """Return how many it knows of, campaign by campaign, in one round trip."""

    def apply_returns(self, returns: Returns, *, waited: bool) -> AppliedReturns:
        """Let it know of the next returns; may be repeated."""


class PlaceReturner:
    """Lets Redis give the places that MySQL has returned; shared by all threads."""

    def __init__(self, counted: CountedReturns, known: KnownReturns) -> None:
        self._counted = counted
        self._known = known
        self._waiting = BoundedSemaphore(WAITING_MAX)

    def pass_on(self, returns: Returns) -> None:
        """Let Redis know of a return that MySQL has just counted, and of all before it.

        Waits for EXPIRED_S where the campaign is sold out. Raises UnavailableError.
        """
        applied = self._known.apply_returns(returns, waited=False)
        if applied.number < returns.after and self._waiting.acquire(blocking=False):
            try:
                self.complete(returns.campaign_id, applied.number)
            finally:
                self._waiting.release()

    def complete_all(self, campaigns: Sequence[Campaign], attempts: Attempts) -> int:
        """Let Redis know of all returns that MySQL has counted; return how many were missing.

        One round trip where none is, and no script where no place was ever returned.
        """
        some = [one for one in campaigns if one.places_returned]
        numbers = self._known.numbers([one.id for one in some])
        done = 0
        for campaign, number in zip(some, numbers, strict=True):
            with attempts.at(campaign.id):
                if isinstance(number, UnavailableError):
                    raise number
                if number < campaign.places_returned:
                    done += self.complete(campaign.id, number) - number
        return done

    def complete_one(self, campaign: Campaign, has_time: Callable[[], bool]) -> int:
        """Let Redis know of this campaign's returns while there is time; return how many are left.

        Raises UnavailableError.
        """
        [number] = self._known.numbers([campaign.id])
        if isinstance(number, UnavailableError):
            raise number
        if number < campaign.places_returned:
            number = self.complete(campaign.id, number, has_time)
        return max(0, campaign.places_returned - number)

    def complete(
        self, campaign_id: str, number: int, has_time: Callable[[], bool] = lambda: True
    ) -> int:
        """Tell Redis, which knows of the first `number` returns, of all that follow.

        Returns how many it knows of then: fewer than all only where the time was over. Raises
        UnavailableError.
        """
        waited = False
        while has_time() and (returns := self._counted.since(campaign_id, number, BATCH)).returns:
            applied = self._known.apply_returns(returns, waited=waited)
            if applied.outcome is ReturnsOutcome.WAIT:
                time.sleep(EXPIRED_S)
                waited = True
            number = applied.number
        return number
