"""What a user does during a promotion: decisions only, no clock and no network."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.harness.responses import SOLD_OUT
from local.load.responses import PENDING, Endpoint, ResponseKind

if TYPE_CHECKING:
    from collections.abc import Generator

    from local.load.responses import ParsedResponse

    Steps = Generator["Action", ParsedResponse, ParsedResponse]

# Users do not act on the second: this is added to what a server asks for, never subtracted.
POLL_JITTER_S = 2.0
RETRY_JITTER_S = 0.5
# After a broken connection, where no response says how long to wait.
RETRY_S = 0.5
# The burst: this share begins a little too early, all others within half a second.
EAGER_SHARE, EAGER_S_MAX, REACTION_S_MAX = 0.1, 0.3, 0.5
# A user who gets "sold out" applies once or twice more, or leaves at once.
REAPPLIES, REAPPLY_S_MIN, REAPPLY_S_MAX = (0, 1, 2), 1.0, 3.0
# One winner in five applies again, to be sure.
DOUBTFUL_SHARE = 0.2
CHECK_S_MIN, CHECK_S_MAX = 0.5, 1.5
# A response takes a few milliseconds, in the burst many times that: some users hang up before it
# is sent, some after.
HANG_UP_S_MIN, HANG_UP_S_MAX = 0.002, 0.2


@dataclass(frozen=True, slots=True)
class UserProfile:
    """How one user behaves."""

    reaction_s: float  # from the opening to the apply; below 0: too early
    reapplies: int  # further applies after "sold out"
    doubtful: bool  # applies once more after winning
    hang_up_s: float | None  # loses the connection so soon after the first apply
    random: random.Random  # for every pause of this user

    @classmethod
    def of(cls, number: int, hang_ups: float) -> UserProfile:
        """Return user `number`'s profile, the same in every run; `hang_ups` is a share of all."""
        own = random.Random(number)  # noqa: S311 - how long a user waits is not a secret
        eager = own.random() < EAGER_SHARE
        reaction_s = -own.uniform(0, EAGER_S_MAX) if eager else own.uniform(0, REACTION_S_MAX)
        reapplies, doubtful = own.choice(REAPPLIES), own.random() < DOUBTFUL_SHARE
        loses = own.random() < hang_ups
        hang_up_s = own.uniform(HANG_UP_S_MIN, HANG_UP_S_MAX) if loses else None
        return cls(reaction_s, reapplies, doubtful, hang_up_s, own)


@dataclass(frozen=True, slots=True)
class Action:
    """What to do next: wait, then send; hang up when no response came within `hang_up_s`."""

    call: Endpoint
    after_s: float = 0.0
    hang_up_s: float | None = None


def scenario(profile: UserProfile, deadline_s: float) -> Generator[Action, ParsedResponse, None]:
    """Yield each action, and take the response to it; ends when the user leaves."""
    page = yield from _count_down(profile, deadline_s)
    if page.opens_at_s is None:
        return
    left_s = max(0.0, page.opens_at_s + profile.reaction_s - page.at_s)
    response = yield from _apply(profile, deadline_s, left_s, profile.hang_up_s)
    for _ in range(profile.reapplies):
        if response.outcome == SOLD_OUT:
            pause_s = profile.random.uniform(REAPPLY_S_MIN, REAPPLY_S_MAX)
            response = yield from _apply(profile, deadline_s, pause_s)
    if response.serial is None:
        return
    if profile.doubtful:
        pause_s = profile.random.uniform(REAPPLY_S_MIN, REAPPLY_S_MAX)
        yield from _apply(profile, deadline_s, pause_s)
    yield from _await_coupon(profile, deadline_s)


def _count_down(profile: UserProfile, deadline_s: float) -> Steps:
    """Poll the page, never sooner than it changes, until the next poll would be too late."""
    page = yield Action(Endpoint.CAMPAIGN)
    while page.sort is not ResponseKind.WRONG and page.at_s < deadline_s:
        pause_s = (page.wait_s or RETRY_S) + profile.random.uniform(0, POLL_JITTER_S)
        if page.opens_at_s is not None and page.at_s + pause_s > page.opens_at_s:
            break
        page = yield Action(Endpoint.CAMPAIGN, pause_s)
    return page


def _apply(
    profile: UserProfile, deadline_s: float, after_s: float, hang_up_s: float | None = None
) -> Steps:
    """Apply, and retry for as long as no response comes, or one that asks to wait."""
    response = yield Action(Endpoint.APPLY, after_s, hang_up_s)
    while response.sort is ResponseKind.RETRY and response.at_s < deadline_s:
        response = yield Action(Endpoint.APPLY, _retry_s(profile, response))
    return response


def _await_coupon(profile: UserProfile, deadline_s: float) -> Steps:
    """Poll the coupon until it is issued or has failed."""
    pause_s = profile.random.uniform(0, CHECK_S_MIN)
    while True:
        coupon = yield Action(Endpoint.COUPON, pause_s)
        waits = coupon.sort is ResponseKind.RETRY or coupon.outcome == PENDING
        if not waits or coupon.at_s > deadline_s:
            return coupon
        polling_s = profile.random.uniform(CHECK_S_MIN, CHECK_S_MAX)
        pause_s = polling_s if coupon.outcome == PENDING else _retry_s(profile, coupon)


def _retry_s(profile: UserProfile, response: ParsedResponse) -> float:
    asked_s = RETRY_S if response.wait_s is None else response.wait_s
    return asked_s + profile.random.uniform(0, RETRY_JITTER_S)
