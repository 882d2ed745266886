"""Draws what other actors than applicants do in a history, and who is killed meanwhile."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from tests.faults import points
from tests.faults.engine.acts import (
    ADMIN,
    APPLY,
    CHANGES,
    GIVE_BACK,
    OF_SHOP,
    REVOCATIONS,
    SHOPS,
    Act,
)
from tests.faults.engine.scenario import LOAD_S, STRANGERS, Fault, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

# A quarter of the histories has none of these actors.
WITHOUT_EVERY = 4
# Acts begin while users apply, and a little later.
ACTS_S = 2.5
HALF = 0.5
# How often the coupons of a history expire in it, and how often a part is released later.
TERMED = 0.2
# How often a process is killed in the middle of the acts of one kind.
CROSSED = 0.4
CROSSINGS = (
    (OF_SHOP, points.COUPON_STATE),
    (frozenset({GIVE_BACK, "revoke-return"}), points.RETURNED_PLACE),
    (CHANGES, points.CAMPAIGN_CHANGE),
)


def with_acts(drawn: Scenario) -> Scenario:
    """Add other actors than applicants, with chances of their own: the faults stay as they were.

    Not where strangers take serials: then a user's coupon may become another one by itself.
    """
    if drawn.has(STRANGERS):
        return drawn
    chance = random.Random(f"acts of {drawn.seed}")  # noqa: S311 - as above
    acts = _acts(drawn.seed, drawn.arrivals, drawn.quantity, chance)
    verbs = {act.verb for act in acts}
    killed = [
        Fault(chance.uniform(0.0, LOAD_S), "crash", chance.choice(crossed))
        for of_verbs, crossed in CROSSINGS
        if of_verbs & verbs and chance.random() < CROSSED
    ]
    faults = tuple(sorted([*drawn.faults, *killed], key=lambda fault: fault.at_s))
    expires_s = chance.uniform(0.8, ACTS_S) if acts and chance.random() < TERMED else 0.0
    release_s = chance.uniform(0.3, ACTS_S) if acts and chance.random() < TERMED else 0.0
    return dataclasses.replace(
        drawn, acts=acts, faults=faults, expires_s=expires_s, release_s=release_s
    )


def _acts(
    seed: int, arrivals: Sequence[tuple[float, str]], quantity: int, chance: Random
) -> tuple[Act, ...]:
    """Return the acts of a history, some of the actors', in order of time."""
    if seed % WITHOUT_EVERY == 0:
        return ()
    # Those who come first win, if no fault keeps them from it.
    winners = list(dict.fromkeys(user for _, user in arrivals))[:quantity]
    chosen = [actor for actor in ACTORS if chance.random() < HALF] or [chance.choice(ACTORS)]
    acts = [act for actor in chosen for act in actor(chance, winners)]
    if chance.random() >= HALF:
        acts += _changes(chance, quantity)
    return tuple(sorted(acts, key=lambda act: act.at_s))


def _shops(chance: Random, winners: Sequence[str]) -> list[Act]:
    """Let two shops want the same coupons, each for an order of its own."""
    wanted = chance.sample(winners, min(4, len(winners)))
    acts = []
    for user in wanted:
        for shop in SHOPS:
            times = sorted(chance.uniform(0.1, ACTS_S) for _ in range(3))
            first = chance.choice(["reserve", "reserve-briefly", "redeem"])
            verbs = [first, "redeem", chance.choice(["redeem", "release", "cancel", "cancel"])]
            count = chance.randint(1, len(verbs))
            acts += [
                Act(at_s, shop, verb, user)
                for at_s, verb in zip(times[:count], verbs[:count], strict=True)
            ]
    return acts


def _givers(chance: Random, winners: Sequence[str]) -> list[Act]:
    """Let some users give their coupons back; half of them apply again, and may give back again."""
    acts = []
    for user in chance.sample(winners, min(3, len(winners))):
        at_s = chance.uniform(0.2, ACTS_S)
        acts.append(Act(at_s, user, GIVE_BACK, user))
        if chance.random() < HALF:
            acts.append(Act(at_s + 0.01, user, APPLY, user))
            if chance.random() < HALF:
                acts.append(Act(at_s + 0.3, user, GIVE_BACK, user))
    return acts


def _revoker(chance: Random, winners: Sequence[str]) -> list[Act]:
    """Let the administrator revoke coupons, some of them twice, some with their place."""
    return [
        Act(chance.uniform(0.2, ACTS_S), "revoker", chance.choice(list(REVOCATIONS)), user)
        for user in chance.choices(winners, k=3)
    ]


def _changes(chance: Random, quantity: int) -> list[Act]:
    """Let the administrator change the campaign; what stops applicants is taken back."""
    acts = []
    for _ in range(chance.randint(1, 2)):
        at_s, for_s = chance.uniform(0.1, 1.0), chance.uniform(0.2, 1.6)
        what = chance.choice(["raise", "lower", "pause", "close", "extend"])
        if what in ("raise", "lower"):
            by = chance.randint(1, 5)
            number = quantity + by if what == "raise" else quantity - by
            acts.append(Act(at_s, ADMIN, "quantity", f"{number}"))
        elif what == "extend":
            acts.append(Act(at_s, ADMIN, "extend"))
        else:
            back = "resume" if what == "pause" else "extend"
            acts += [Act(at_s, ADMIN, what), Act(at_s + for_s, ADMIN, back)]
    return acts


ACTORS: tuple[Callable[[Random, Sequence[str]], list[Act]], ...] = (_shops, _givers, _revoker)
