"""How a program's run goes: mostly well, some with a fault, some cut short or left standing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from tests.simulation.actors import Fate
from tests.simulation.faults import FROM_DISK, POISON, REDIS_FAULTS

ACTORS_MAX = 6  # that stand at once
USERS = ("ann", "bob", "cho", "dan")
# Of campaigns: a rule that means the second one takes the only one where there is one.
WHICH = st.integers(0, 1)


class Then(StrEnum):
    """What becomes of an actor after the calls of its plan."""

    ENDS = "ends"  # goes on without faults to its end; where it waits, time passes
    STANDS = "stands"  # before the next call, for others to come between
    KILLED = "killed"


class Program(StrEnum):
    """What runs; its value is its name in a history."""

    APPLY = "apply"
    CONSUMER = "consumer"
    RELAY = "relay"
    REDRIVE = "redrive"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True)
class Plan:
    """So many calls fare well, then one does not (if any), and then?"""

    well: int
    fault: Fate | None
    then: Then


@dataclass(frozen=True, slots=True)
class Run:
    """A program, and for whom it runs where it is an apply."""

    program: Program
    user: str
    which: int


# Where all sorts of ends are equally likely, most operations come to nothing, and histories whose
# point is what happens after three of them that succeed are never seen.
FAULTS = [fate for fate in Fate if fate is not Fate.PROCEED]
FAULT = st.sampled_from([None] * 2 * len(FAULTS) + FAULTS)
THEN = st.sampled_from([Then.ENDS] * 6 + [Then.STANDS] * 2 + [Then.KILLED])
# An apply has 4 calls at most, a rebuild of a campaign 20.
CALLS = st.one_of(st.integers(0, 3), st.integers(0, 20))
PLANS = st.builds(Plan, CALLS, FAULT, THEN)

OPERATIONS = st.sampled_from(
    [Program.CONSUMER] * 4 + [Program.REBUILD] * 2 + [Program.RELAY, Program.REDRIVE]
)
RUNS = st.builds(
    Run,
    st.sampled_from(
        [Program.APPLY] * 4
        + [Program.REBUILD] * 3
        + [Program.CONSUMER] * 2
        + [Program.RELAY, Program.REDRIVE]
    ),
    st.sampled_from(USERS),
    WHICH,
)
REDIS_FAULT = st.sampled_from([FROM_DISK] * 3 + [*REDIS_FAULTS])
# Where somebody stands for others to overtake: mostly in an apply, or where a rebuild has begun.
OVERTAKEN_AT = st.one_of(st.integers(0, 3), st.integers(0, 3), st.integers(0, 20))

# A method of the machine, and what it is called with.
Happening = tuple[str, dict[str, Any]]
USER = st.sampled_from(USERS)
ANY = st.integers(0, ACTORS_MAX - 1)


def _call(weight: int, name: str, **drawn: st.SearchStrategy[Any]) -> list[Any]:
    return [st.tuples(st.just(name), st.fixed_dictionaries(drawn))] * weight


# One choice with weights: were each of them a rule, hypothesis would leave most of them out of most
# histories, and many histories would be nothing but "refuse".
HAPPENINGS = st.one_of(
    _call(5, "press", user=USER, which=WHICH, plan=PLANS)
    + _call(5, "operate", program=OPERATIONS, plan=PLANS)
    + _call(4, "go_on", which=ANY, plan=PLANS)
    + _call(
        5,
        "is_overtaken",
        run=RUNS,
        calls=OVERTAKEN_AT,
        fault=REDIS_FAULT | st.none(),
        rebuilt=st.booleans(),
        between=st.lists(RUNS, max_size=2),
        others=st.lists(RUNS, max_size=2),
    )
    + _call(1, "pass_time", seconds=st.sampled_from([0.5, 1.5, 2.5]))
    + _call(1, "arrive", which=ANY)
    + _call(1, "redis", kind=REDIS_FAULT, rebuild=st.booleans())
    + _call(1, "poison", kind=st.sampled_from(POISON), partition=st.integers(0, 1))
    + _call(1, "refuse", user=USER)
)
