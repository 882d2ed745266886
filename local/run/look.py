"""One look at a campaign, at little cost: two reads in Redis, a count in MySQL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from handlers import operations, wiring
from handlers.domain.campaign import CampaignState

if TYPE_CHECKING:
    from handlers.domain.campaign import CampaignStatus

COLOURS = {
    CampaignState.SCHEDULED: "yellow",
    CampaignState.OPEN: "bold green",
    CampaignState.PAUSED: "yellow",
    CampaignState.NEXT_RELEASE: "yellow",
    CampaignState.SOLD_OUT: "bold",
    CampaignState.CLOSED: "dim",
}
# From the first time, the next unit is easier to read.
UNITS = ((5400, 3600, "h"), (100, 60, "min"), (0, 1, "s"))


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a campaign; at_s: by this machine's monotonic clock.

    refused: applications so far, as each process of the gateway adds them once a second.
    """

    at_s: float
    status: CampaignStatus
    refused: int
    issued: int
    failed: int

    @property
    def applications(self) -> int:
        """How many were decided so far; the same user's repetitions are not counted."""
        return self.status.admitted + self.refused


def look(campaign_id: str) -> Look:
    """Look at a campaign; raise ServiceError where a server does not say."""
    status = wiring.redis_campaigns().status(campaign_id)
    refused = sum(operations.refusal_store().of(campaign_id).by_reason.values())
    issued, failed = wiring.mysql_queries().counts(campaign_id)
    return Look(time.monotonic(), status, refused, issued, failed)


def line(now: Look, before: Look) -> Text:
    """Return a look as one line of text, its rates since the look before."""
    status = now.status
    colour = COLOURS[status.state]
    seconds = max(now.at_s - before.at_s, 1e-3)
    applied = _rate(now.applications - before.applications, seconds)
    refused = _rate(now.refused - before.refused, seconds)
    return Text.assemble(
        (f"{_state(status):<18}", colour),
        f" {status.admitted:,} of {status.campaign.quantity:,} given,",
        f" {now.issued:,} in MySQL, {_pending(status)};",
        f" {applied} applied/s, {refused} refused/s;",
        (f" {now.failed:,} failed", "bold red" if now.failed else ""),
    )


def _state(status: CampaignStatus) -> str:
    """Return the state with what a person waits for, as "opens in 23 s"."""
    state, campaign = status.state, status.campaign
    if state is CampaignState.SCHEDULED:
        return f"opens in {duration(campaign.opens_at_ms - status.now_ms)}"
    if state is CampaignState.NEXT_RELEASE and status.next_release_at_ms is not None:
        return f"more in {duration(status.next_release_at_ms - status.now_ms)}"
    if state is CampaignState.OPEN:
        return f"OPEN, {duration(campaign.closes_at_ms - status.now_ms)} left"
    return state.replace("_", " ")


def _pending(status: CampaignStatus) -> str:
    if status.oldest_pending_ms is None:
        return "0 pending"
    age_s = max(0, status.now_ms - status.oldest_pending_ms) / 1000
    return f"{status.pending:,} pending for {age_s:.1f} s"


def _rate(count: int, seconds: float) -> str:
    """Return a rate as text; 0 for a Redis that has lost its counts and began again."""
    return f"{max(0, round(count / seconds)):,}"


def duration(milliseconds: int) -> str:
    """Return a time in the unit that reads best, rounded up, as "24 h"."""
    seconds = -(-milliseconds // 1000)
    above, unit_s, unit = next(each for each in UNITS if seconds >= each[0])
    return f"{-(-seconds // unit_s) if above else seconds} {unit}"
