"""The public list of campaigns, in pages, from statuses that are at most a second old.

All clients ask for it, without a token. So a process asks Redis for a campaign at most twice a
second, whatever pages are asked for, and normally in one round trip for all that is missing.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from handlers.domain.campaign import CampaignStatus

# Nothing that is older is shown. From half of that on, one thread asks again, so that the others
# do not all ask at the moment when it is over.
AGE_S_MAX = 1.0
RENEW_AFTER_S = 0.5
# Who has a coupon still finds the campaign on the day after its end.
SHOWN_AFTER_CLOSE_MS = 24 * 3600 * 1000
# What one page looks at, at most: closed campaigns are skipped, and there may be any number.
EXAMINED_MAX = 2000


class CampaignSource(Protocol):
    """Where the statuses come from."""

    def look(self, wanted: Sequence[str]) -> tuple[Sequence[str], Mapping[str, CampaignStatus]]:
        """Return the ids of all campaigns, sorted, and the statuses of those wanted that exist.

        One round trip. Raises UnavailableError unless all of that is sure.
        """


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Campaigns by id; next_after: the id behind which the next page begins, None at the end."""

    statuses: Sequence[CampaignStatus]
    next_after: str | None


@dataclass(slots=True)
class _Walk:
    """What the memory has for a page, and which statuses it lacks."""

    shown: list[CampaignStatus] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    due: int = 0  # of those missing that will probably be shown
    last: str = ""


class CampaignList:
    """Recent statuses of all campaigns; shared by all threads."""

    def __init__(self, source: CampaignSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._renewing = Lock()
        self.forget()

    def forget(self) -> None:
        """Forget everything: this process has changed a campaign."""
        self._listed: tuple[Sequence[str], float] = ((), float("-inf"))
        self._known: dict[str, tuple[CampaignStatus | None, float]] = {}

    def page(self, after: str, limit: int) -> CampaignPage:
        """Return up to `limit` campaigns whose id is behind `after`; raise UnavailableError."""
        is_first = self._renewing.acquire(blocking=False)
        try:
            return self._page(after, limit, RENEW_AFTER_S if is_first else AGE_S_MAX)
        finally:
            if is_first:
                self._renewing.release()

    def _page(self, after: str, limit: int, age_s: float) -> CampaignPage:
        oldest, ahead = self._clock() - age_s, limit
        while True:
            ids, listed_at = self._listed
            walk = self._walk(ids[bisect_right(ids, after) :][:EXAMINED_MAX], limit, oldest, ahead)
            if listed_at > oldest and not walk.missing:
                is_end = not ids or walk.last in {"", ids[-1]}
                return CampaignPage(walk.shown, None if is_end else walk.last)
            self._look(walk.missing)
            ahead *= 2  # where many were over, few round trips find the others

    def _walk(self, ids: Sequence[str], limit: int, oldest: float, ahead: int) -> _Walk:
        """Go over the ids until the page is full, or so many are missing that may be shown."""
        walk = _Walk()
        for campaign_id in ids:
            if len(walk.shown) == limit or len(walk.shown) + walk.due >= ahead:
                break
            status, read_at = self._known.get(campaign_id, (None, float("-inf")))
            is_shown = status is not None and _is_shown(status)
            walk.last = campaign_id
            if read_at <= oldest:
                walk.missing.append(campaign_id)
                walk.due += is_shown or read_at == float("-inf")
            elif status is not None and is_shown:
                walk.shown.append(status)
        return walk

    def _look(self, wanted: Sequence[str]) -> None:
        """Remember these statuses, and the ids; as old as the moment before they were asked for."""
        now = self._clock()
        ids, statuses = self._source.look(wanted)
        # Another thread may do the same: each entry is replaced as a whole.
        self._known.update({name: (statuses.get(name), now) for name in wanted})
        if len(self._known) > len(ids):  # some of them are not listed any more
            known = self._known
            self._known = {name: known[name] for name in ids if name in known}
        self._listed = (ids, now)


def _is_shown(status: CampaignStatus) -> bool:
    return status.now_ms < status.campaign.closes_at_ms + SHOWN_AFTER_CLOSE_MS
