"""What a user does next: each decision, without a clock and without a network."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT
from local.load.responses import (
    BUSY,
    FAILED,
    ISSUED,
    NOT_OPEN,
    PENDING,
    UNAVAILABLE,
    Endpoint,
    ParsedResponse,
    ResponseKind,
)
from local.load.scenario import (
    POLL_JITTER_S,
    REACTION_S_MAX,
    RETRY_JITTER_S,
    RETRY_S,
    Action,
    UserProfile,
    scenario,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPENS_S, PATIENCE_S = 1000.0, 60.0
PAUSES = random.Random(1)  # noqa: S311 - how long a user waits is not a secret
CALM = UserProfile(0.1, 0, doubtful=False, hang_up_s=None, random=PAUSES)
LOST = ParsedResponse(0, ResponseKind.RETRY, "no answer (ConnectionResetError)")
WRONG = ParsedResponse(0, ResponseKind.WRONG, "500 INTERNAL", 500)
SOLD = ParsedResponse(0, ResponseKind.ANSWERED, SOLD_OUT, 409)
WON = ParsedResponse(0, ResponseKind.ANSWERED, ACCEPTED, 202, serial=7)
WON_BEFORE = ParsedResponse(0, ResponseKind.ANSWERED, ALREADY_APPLIED, 200, serial=7)
HAS_CODE = ParsedResponse(0, ResponseKind.ANSWERED, ISSUED, 200, serial=7, code="CODE")
ON_ITS_WAY = ParsedResponse(0, ResponseKind.ANSWERED, PENDING, 200, serial=7)
PAGE = ParsedResponse(0, ResponseKind.ANSWERED, "SCHEDULED", 200, wait_s=1.0, opens_at_s=OPENS_S)


def told_to_wait(outcome: str, wait_s: float = 1.0) -> ParsedResponse:
    return ParsedResponse(0, ResponseKind.RETRY, outcome, 503, wait_s=wait_s)


def lived(
    requests: Sequence[ParsedResponse],
    checks: Sequence[ParsedResponse] = (HAS_CODE,),
    profile: UserProfile = CALM,
    page: Callable[[], ParsedResponse] = lambda: PAGE,
    arrives_s: float = OPENS_S - 10,
) -> list[tuple[float, Action]]:
    """Return the time of each action with these responses; the last response repeats."""
    responses = {Endpoint.APPLY: list(requests), Endpoint.COUPON: list(checks)}
    steps, done, now_s = scenario(profile, OPENS_S + PATIENCE_S), [], arrives_s
    action: Action | None = next(steps)
    while action:
        now_s += action.after_s
        done.append((now_s, action))
        left = responses.get(action.call)
        seen = page() if left is None else left.pop(0) if len(left) > 1 else left[0]
        try:
            action = steps.send(replace(seen, at_s=now_s))
        except StopIteration:
            action = None
    return done


def times_of(call: Endpoint, done: list[tuple[float, Action]]) -> list[float]:
    return [at_s for at_s, action in done if action.call is call]


def test_the_page_is_looked_at_again_when_it_may_have_changed_never_sooner() -> None:
    looks = times_of(Endpoint.CAMPAIGN, lived([SOLD]))
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert len(pauses) > 2
    assert all(1.0 <= pause <= 1.0 + POLL_JITTER_S for pause in pauses)
    assert looks[-1] <= OPENS_S


def test_a_user_applies_at_the_opening_after_their_own_reaction_time() -> None:
    [pressed_s] = times_of(Endpoint.APPLY, lived([SOLD]))
    assert pressed_s == pytest.approx(OPENS_S + CALM.reaction_s)


def test_a_user_who_comes_late_applies_at_once() -> None:
    assert times_of(Endpoint.APPLY, lived([SOLD], arrives_s=OPENS_S + 5)) == [OPENS_S + 5]


def test_a_page_that_asks_for_patience_is_given_it() -> None:
    pages = iter([told_to_wait(UNAVAILABLE, 3.0), LOST])
    looks = times_of(Endpoint.CAMPAIGN, lived([SOLD], page=lambda: next(pages, PAGE)))
    assert looks[1] - looks[0] >= 3.0
    assert looks[2] - looks[1] >= RETRY_S


def test_an_unexpected_page_sends_the_user_away() -> None:
    assert [action.call for _, action in lived([SOLD], page=lambda: WRONG)] == [Endpoint.CAMPAIGN]


def test_no_user_waits_for_a_page_for_ever() -> None:
    done = lived([SOLD], page=lambda: LOST)
    assert times_of(Endpoint.APPLY, done) == []
    assert done[-1][0] < OPENS_S + PATIENCE_S + RETRY_S + POLL_JITTER_S


@pytest.mark.parametrize("outcome", [NOT_OPEN, BUSY, UNAVAILABLE])
def test_retry_after_is_obeyed(outcome: str) -> None:
    first, second = times_of(Endpoint.APPLY, lived([told_to_wait(outcome, 2.0), SOLD]))
    assert 2.0 <= second - first <= 2.0 + RETRY_JITTER_S


def test_after_a_broken_connection_the_user_applies_again() -> None:
    done = lived([LOST, LOST, WON_BEFORE])
    assert len(times_of(Endpoint.APPLY, done)) == 3
    assert len(times_of(Endpoint.COUPON, done)) == 1


def test_patience_has_an_end() -> None:
    requests = times_of(Endpoint.APPLY, lived([told_to_wait(UNAVAILABLE)]))
    assert OPENS_S + PATIENCE_S <= requests[-1] <= OPENS_S + PATIENCE_S + 2.0


@pytest.mark.parametrize("reapplies", [0, 1, 2])
def test_a_loser_applies_again_as_often_as_there_is_hope(reapplies: int) -> None:
    done = lived([SOLD], profile=replace(CALM, reapplies=reapplies))
    assert len(times_of(Endpoint.APPLY, done)) == 1 + reapplies
    assert times_of(Endpoint.COUPON, done) == []


def test_a_loser_who_wins_after_all_waits_for_the_code() -> None:
    done = lived([SOLD, WON], profile=replace(CALM, reapplies=2))
    assert len(times_of(Endpoint.APPLY, done)) == 2
    assert len(times_of(Endpoint.COUPON, done)) == 1


def test_a_winner_asks_until_the_code_is_there() -> None:
    done = lived([WON], [ON_ITS_WAY, told_to_wait(UNAVAILABLE), LOST, ON_ITS_WAY, HAS_CODE])
    assert len(times_of(Endpoint.COUPON, done)) == 5


@pytest.mark.parametrize("last", [replace(HAS_CODE, outcome=FAILED), WRONG])
def test_a_winner_who_will_have_no_code_leaves(last: ParsedResponse) -> None:
    assert len(times_of(Endpoint.COUPON, lived([WON], [ON_ITS_WAY, last]))) == 2


def test_a_code_that_never_comes_is_not_waited_for_for_ever() -> None:
    checks = times_of(Endpoint.COUPON, lived([WON], [ON_ITS_WAY]))
    assert OPENS_S + PATIENCE_S < checks[-1] < OPENS_S + PATIENCE_S + 2.0


def test_a_doubtful_winner_applies_once_more() -> None:
    done = lived([WON, WON_BEFORE], profile=replace(CALM, doubtful=True))
    assert len(times_of(Endpoint.APPLY, done)) == 2


def test_a_wrong_response_to_an_apply_sends_the_user_away() -> None:
    assert len(times_of(Endpoint.APPLY, lived([WRONG], profile=replace(CALM, reapplies=2)))) == 1


def test_only_the_first_request_loses_its_connection() -> None:
    done = lived([LOST, WON], profile=replace(CALM, hang_up_s=0.02))
    assert [w.hang_up_s for _, w in done if w.call is Endpoint.APPLY] == [0.02, None]


def test_a_crowd_is_the_same_in_every_run_and_applies_within_a_moment() -> None:
    crowd = [UserProfile.of(number, 0.5) for number in range(1000)]
    again = [UserProfile.of(number, 0.5) for number in range(1000)]
    assert [replace(n, random=CALM.random) for n in crowd] == [
        replace(n, random=CALM.random) for n in again
    ]
    assert all(-0.5 < profile.reaction_s <= REACTION_S_MAX for profile in crowd)
    assert 50 < sum(profile.reaction_s < 0 for profile in crowd) < 200
    assert 400 < sum(profile.hang_up_s is not None for profile in crowd) < 600
    assert all(UserProfile.of(number, 0.0).hang_up_s is None for number in range(100))
