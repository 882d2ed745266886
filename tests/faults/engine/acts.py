"""What people do in a history besides applying: shops, users who give back, an administrator.

Each act is asked for until it is answered, also where it was done and the answer was lost. One
actor does one act after the other; different actors cross each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

ADMIN = "admin"
SHOPS = ("shop-a", "shop-b")
# A reservation that is over within the history.
BRIEFLY_S, LONG_S = 1, 900
# Each call of a shop, with how long a reservation lasts.
RESERVATIONS = {"reserve": LONG_S, "reserve-briefly": BRIEFLY_S}
OF_SHOP = frozenset({*RESERVATIONS, "redeem", "release", "cancel"})
# With return_to_pool or without.
REVOCATIONS = {"revoke": False, "revoke-return": True}
GIVE_BACK, APPLY = "give-back", "apply"
CHANGES = frozenset({"quantity", "pause", "resume", "close", "extend"})
ONCE = "try"  # an act of a directed history that is asked for once

# A quarter of the histories has none of these actors.
WITHOUT_EVERY = 4
# Acts begin while users apply, and a little later.
ACTS_S = 1.6
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Act:
    """One call. about: the user whose coupon it is, or the new quantity."""

    at_s: float
    actor: str
    verb: str
    about: str = ""
    once: bool = False

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.about}".rstrip()

    @property
    def order_id(self) -> str:
        """The order of a shop: one for each coupon."""
        return f"{self.actor}-{self.about}"

    @classmethod
    def parse(cls, text: str) -> Act:
        """Read e.g. "shop-a redeem u3", or "try u3 give-back", which is asked for once."""
        words = text.split()
        once = words[0] == ONCE
        return cls(0.0, *words[once:], once=once)


def draw_acts(
    seed: int, arrivals: Sequence[tuple[float, str]], quantity: int, chance: Random
) -> tuple[Act, ...]:
    """Return the acts of a history, some of the actors', in order of time."""
    if seed % WITHOUT_EVERY == 0:
        return ()
    # Those who come first win, if no fault keeps them from it.
    winners = list(dict.fromkeys(user for _, user in arrivals))[:quantity]
    chosen = [actor for actor in ACTORS if chance.random() < HALF] or [chance.choice(ACTORS)]
    acts = [act for actor in chosen for act in actor(chance, winners)]
    if changes := [] if chance.random() < HALF else _changes(chance, quantity):
        acts += changes
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
