"""How a program's run goes: mostly well, some with a fault, some cut short or left standing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hypothesis import strategies as st

from tests.simulation.actors import Fate
from tests.simulation.faults import FROM_DISK, REDIS_FAULTS

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
