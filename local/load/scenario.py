"""What a person does on the day of a promotion: decisions only, no clock and no network."""

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

# People do not act on the second: these are added to what a server asks for, never taken off.
LOOK_JITTER_S = 2.0
AGAIN_JITTER_S = 0.5
# After a broken connection, where no server says how long to wait.
AGAIN_S = 0.5
# The burst: so many begin a little too early, everybody else within half a second.
EAGER_SHARE, EAGER_S_MAX, REACTION_S_MAX = 0.1, 0.3, 0.5
# Whoever was told "sold out" hopes once or twice more, or goes at once.
HOPES, HOPE_S_MIN, HOPE_S_MAX = (0, 1, 2), 1.0, 3.0
# One winner in five presses again, to be sure.
DOUBTFUL_SHARE = 0.2
CHECK_S_MIN, CHECK_S_MAX = 0.5, 1.5
# An answer takes a few milliseconds, in the burst many times that: some hang up before it is
# sent, some after.
HANG_UP_S_MIN, HANG_UP_S_MAX = 0.002, 0.2


@dataclass(frozen=True, slots=True)
class UserProfile:
    """What one person is like."""

    reaction_s: float  # from the opening to the press; below 0: too early
    hopes: int  # presses after "sold out"
    doubtful: bool  # a winner who presses once more
    hang_up_s: float | None  # loses the connection so soon after the first press
    random: random.Random  # for every pause of theirs

    @classmethod
    def of(cls, number: int, hang_ups: float) -> UserProfile:
        """Return person `number`'s, the same in every run; `hang_ups` is a share of all."""
        own = random.Random(number)  # noqa: S311 - how long somebody waits is no secret
        eager = own.random() < EAGER_SHARE
        reaction_s = -own.uniform(0, EAGER_S_MAX) if eager else own.uniform(0, REACTION_S_MAX)
        hopes, doubtful = own.choice(HOPES), own.random() < DOUBTFUL_SHARE
        loses = own.random() < hang_ups
        hang_up_s = own.uniform(HANG_UP_S_MIN, HANG_UP_S_MAX) if loses else None
        return cls(reaction_s, hopes, doubtful, hang_up_s, own)


@dataclass(frozen=True, slots=True)
class Action:
    """What to do next: wait, then call; hang up when no answer came so soon."""

    call: Endpoint
    after_s: float = 0.0
    hang_up_s: float | None = None


def scenario(
    profile: UserProfile, patience_until_s: float
) -> Generator[Action, ParsedResponse, None]:
    """Yield each wish, to be sent what was seen of it; ends when the person leaves."""
    page = yield from _count_down(profile, patience_until_s)
    if page.opens_at_s is None:
        return
    left_s = max(0.0, page.opens_at_s + profile.reaction_s - page.at_s)
    response = yield from _apply(profile, patience_until_s, left_s, profile.hang_up_s)
    for _ in range(profile.hopes):
        if response.outcome == SOLD_OUT:
            pause_s = profile.random.uniform(HOPE_S_MIN, HOPE_S_MAX)
            response = yield from _apply(profile, patience_until_s, pause_s)
    if response.serial is None:
        return
    if profile.doubtful:
        pause_s = profile.random.uniform(HOPE_S_MIN, HOPE_S_MAX)
        yield from _apply(profile, patience_until_s, pause_s)
    yield from _await_coupon(profile, patience_until_s)


def _count_down(profile: UserProfile, until_s: float) -> Steps:
    """Look at the page, never sooner than it changes, until the next look would be too late."""
    page = yield Action(Endpoint.CAMPAIGN)
    while page.sort is not ResponseKind.WRONG and page.at_s < until_s:
        pause_s = (page.wait_s or AGAIN_S) + profile.random.uniform(0, LOOK_JITTER_S)
        if page.opens_at_s is not None and page.at_s + pause_s > page.opens_at_s:
            break
        page = yield Action(Endpoint.CAMPAIGN, pause_s)
    return page


def _apply(
    profile: UserProfile, until_s: float, after_s: float, hang_up_s: float | None = None
) -> Steps:
    """Press, and again for as long as there is no answer, or one that asks for patience."""
    response = yield Action(Endpoint.APPLY, after_s, hang_up_s)
    while response.sort is ResponseKind.RETRY and response.at_s < until_s:
        response = yield Action(Endpoint.APPLY, _again_s(profile, response))
    return response


def _await_coupon(profile: UserProfile, until_s: float) -> Steps:
    """Ask for the coupon until it is there, or never will be."""
    pause_s = profile.random.uniform(0, CHECK_S_MIN)
    while True:
        coupon = yield Action(Endpoint.COUPON, pause_s)
        waits = coupon.sort is ResponseKind.RETRY or coupon.outcome == PENDING
        if not waits or coupon.at_s > until_s:
            return coupon
        polling_s = profile.random.uniform(CHECK_S_MIN, CHECK_S_MAX)
        pause_s = polling_s if coupon.outcome == PENDING else _again_s(profile, coupon)


def _again_s(profile: UserProfile, response: ParsedResponse) -> float:
    asked_s = AGAIN_S if response.wait_s is None else response.wait_s
    return asked_s + profile.random.uniform(0, AGAIN_JITTER_S)
