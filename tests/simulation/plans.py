"""How a program's run ends: mostly well, some with a fault, some interrupted or left paused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from tests.simulation.actors import Fate
from tests.simulation.faults import FROM_DISK, POISON, REDIS_FAULTS

ACTORS_MAX = 6  # paused at once
USERS = ("ann", "bob", "cho", "dan")
# Index of a campaign: the second one means the first where there is only one.
WHICH = st.integers(0, 1)


class Then(StrEnum):
    """What an actor does after the calls of its plan."""

    ENDS = "ends"  # continues without faults to its end
    PAUSES = "pauses"  # before the next call, so that others can run
    KILLED = "killed"


class Program(StrEnum):
    """The program; its value is its name in a history."""

    APPLY = "apply"
    CONSUMER = "consumer"
    RELAY = "relay"
    REDRIVE = "redrive"
    REBUILD = "rebuild"
    GIVE_BACK = "give back"
    REVOKE = "revoke"
    RESERVE = "reserve"
    REDEEM = "redeem"
    RELEASE = "release"
    CANCEL = "cancel"
    CHANGE = "change"
    PAUSE = "pause"
    ERASE = "erasure"
    COMPLETION = "completion of erasures"


@dataclass(frozen=True, slots=True)
class Plan:
    """This many calls succeed, then one does not (if any), then `then`."""

    well: int
    fault: Fate | None
    then: Then


@dataclass(frozen=True, slots=True)
class Run:
    """A program; for those of a user or a coupon, also its user and campaign.

    number: of the order; what a change does to the quantity; whether a campaign is paused or goes
    on; 0: a revoked coupon keeps its place.
    """

    program: Program
    user: str
    which: int
    number: int = 0


# If all ends were equally likely, most operations would fail, and histories that need
# three successful operations would never occur.
FAULTS = [fate for fate in Fate if fate is not Fate.PROCEED]
FAULT = st.sampled_from([None] * 2 * len(FAULTS) + FAULTS)
THEN = st.sampled_from([Then.ENDS] * 6 + [Then.PAUSES] * 2 + [Then.KILLED])
# An apply has 7 calls at most, a rebuild of a campaign 25.
CALLS = st.one_of(st.integers(0, 3), st.integers(0, 7), st.integers(0, 25))
PLANS = st.builds(Plan, CALLS, FAULT, THEN)

OPERATIONS = st.sampled_from(
    [Program.CONSUMER] * 8
    + [Program.REBUILD, Program.REDRIVE] * 4
    + [Program.RELAY] * 2
    + [Program.COMPLETION]
)
ORDERS = (Program.RESERVE, Program.REDEEM, Program.RELEASE, Program.CANCEL)
# What happens to coupons that were issued, and to campaigns afterwards.
LATER = st.sampled_from(
    [Program.GIVE_BACK] * 4
    + [Program.REVOKE, Program.CHANGE, Program.ERASE] * 2
    + [Program.PAUSE]
    + [*ORDERS]
)
NUMBER = st.integers(0, 1)
RUNS = st.builds(
    Run,
    st.sampled_from(
        [Program.APPLY] * 6
        + [Program.REBUILD] * 3
        + [Program.CONSUMER] * 3
        + [Program.RELAY, Program.REDRIVE]
        + [Program.GIVE_BACK] * 2
        + [Program.REVOKE, Program.CHANGE, Program.PAUSE, Program.ERASE, *ORDERS]
    ),
    st.sampled_from(USERS),
    WHICH,
    NUMBER,
)
REDIS_FAULT = st.sampled_from([FROM_DISK] * 3 + [*REDIS_FAULTS])
# Where an actor pauses for others to overtake it: mostly in an apply, or at a rebuild's start.
OVERTAKEN_AT = st.one_of(st.integers(0, 3), st.integers(0, 7), st.integers(0, 25))

# A method of the machine, and its arguments.
Happening = tuple[str, dict[str, Any]]
USER = st.sampled_from(USERS)
ANY = st.integers(0, ACTORS_MAX - 1)


def _call(weight: int, name: str, **drawn: st.SearchStrategy[Any]) -> list[Any]:
    return [st.tuples(st.just(name), st.fixed_dictionaries(drawn))] * weight


# One choice with weights: if each were a rule, hypothesis would leave most of them out of most
# histories, and many histories would consist of "refuse" only.
HAPPENINGS = st.one_of(
    _call(5, "apply", user=USER, which=WHICH, plan=PLANS)
    + _call(5, "operate", program=OPERATIONS, plan=PLANS)
    + _call(4, "live", program=LATER, user=USER, which=WHICH, number=NUMBER, plan=PLANS)
    + _call(4, "go_on", which=ANY, plan=PLANS)
    + _call(
        5,
        "is_overtaken",
        run=RUNS,
        calls=OVERTAKEN_AT,
        fate=FAULT,
        fault=REDIS_FAULT | st.none(),
        rebuilt=st.booleans(),
        arrives=st.booleans(),
        between=st.lists(RUNS, max_size=2),
        others=st.lists(RUNS, max_size=2),
    )
    + _call(1, "pass_time", seconds=st.sampled_from([0.5, 1.5, 2.5]))
    + _call(1, "reservations_end")
    + _call(1, "arrive", which=ANY)
    + _call(1, "redis", kind=REDIS_FAULT, rebuild=st.booleans())
    + _call(1, "poison", kind=st.sampled_from(POISON), partition=st.integers(0, 1))
    + _call(2, "refuse", user=USER)
)
