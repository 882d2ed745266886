"""The protocol as a state machine: every step of every program, and every fault between two."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulation.actors import Fate
from tests.simulation.verdict import violations_at_the_end, violations_now
from tests.simulation.world import POISON, REDIS_FAULTS, STEPS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.actors import Actor
    from tests.simulation.world import World

USERS = ("ann", "bob", "cho", "dan")
ACTORS_MAX = 6
# An apply has 4 calls at most, a rebuild of a campaign 20.
CALLS_MAX = 8
REBUILDS_MAX = 2
# Of each history: more of them leave no time for anything to happen between.
NEW_EPOCHS_MAX = 3
POISONED_MAX = 2
WHICH = st.integers(0, ACTORS_MAX - 1)


class Then(StrEnum):
    """What becomes of an actor after the steps of a plan."""

    ENDS = "ends"  # goes on without faults to its end; where it waits, time passes
    STANDS = "stands"  # before the next step, for others to come between
    KILLED = "killed"


# How the next calls of an actor fare, and what comes then. Most calls fare well.
Plan = tuple[list[Fate], Then]
WELL = 4
FATES = st.sampled_from([Fate.PROCEED] * WELL + [fate for fate in Fate if fate != Fate.PROCEED])
PLANS = st.tuples(
    st.lists(FATES, max_size=CALLS_MAX), st.sampled_from([Then.ENDS, Then.STANDS, Then.KILLED])
)


class Violation(AssertionError):  # noqa: N818 - it is what was looked for
    """A promise is broken; the message names it and tells the history."""


class Protocol(RuleBasedStateMachine):
    """Two campaigns at most, four people; whoever runs the machine sets the world."""

    world: ClassVar[World]
    begun = broken = graceful = False

    @initialize(
        quantities=st.lists(st.integers(1, 3), min_size=1, max_size=2), graceful=st.booleans()
    )
    def begin(self, quantities: list[int], *, graceful: bool) -> None:
        self.world.begin(quantities)
        self.graceful = graceful  # at the end everybody goes on; otherwise everybody is killed
        self.begun = True

    # ---- programs ----------------------------------------------------------------------------

    @precondition(lambda self: self.has_room())
    @rule(user=st.sampled_from(USERS), which=st.integers(0, 1), plan=PLANS)
    def press(self, user: str, which: int, plan: Plan) -> None:
        campaigns = self.world.campaigns
        campaign_id = campaigns[which % len(campaigns)].id
        self.start(f"apply of {user}", lambda: self.world.apply(user, campaign_id), plan)

    @precondition(lambda self: self.has_room())
    @rule(limit=st.integers(1, 4), plan=PLANS)
    def consume(self, limit: int, plan: Plan) -> None:
        self.start("consumer", lambda: self.world.consume(limit), plan)

    @precondition(lambda self: self.has_room())
    @rule(plan=PLANS)
    def relay(self, plan: Plan) -> None:
        self.start("relay", self.world.relay, plan)

    @precondition(lambda self: self.has_room())
    @rule(plan=PLANS)
    def redrive(self, plan: Plan) -> None:
        self.start("redrive", self.world.redrive, plan)

    @precondition(lambda self: self.has_room() and self.rebuilds() < REBUILDS_MAX)
    @rule(plan=PLANS)
    def rebuild(self, plan: Plan) -> None:
        self.start("rebuild", self.world.rebuild, plan)

    @precondition(lambda self: self.world.stage.actors)
    @rule(which=WHICH, plan=PLANS)
    def go_on(self, which: int, plan: Plan) -> None:
        """Let somebody who stands take the next steps."""
        actors = self.world.stage.actors
        self.follow(actors[which % len(actors)], plan)

    # ---- time and faults ---------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 1.5, 2.5]))
    def pass_time(self, seconds: float) -> None:
        self.tell(f"{seconds} s pass")
        self.world.pass_time(seconds)

    @precondition(lambda self: self.world.log.wire)
    @rule(which=WHICH)
    def arrive(self, which: int) -> None:
        wire = self.world.log.wire
        sent = wire.pop(which % len(wire))
        self.tell("a record arrives late")
        self.world.log.append(sent.partition, sent.value)

    @precondition(lambda self: self.world.new_epochs < NEW_EPOCHS_MAX)
    @rule(kind=st.sampled_from(REDIS_FAULTS))
    def befall_redis(self, kind: str) -> None:
        if kind == "emptied" and not self.world.may_flush():
            return
        self.tell(f"Redis: {kind}")
        self.world.befall_redis(kind)

    @precondition(lambda self: len(self.world.poisoned) < POISONED_MAX)
    @rule(kind=st.sampled_from(POISON), partition=st.integers(0, 1))
    def poison(self, kind: str, partition: int) -> None:
        self.tell(f"poison: {kind}")
        self.world.poison(kind, partition)

    @rule(user=st.sampled_from(USERS))
    def refuse(self, user: str) -> None:
        """MySQL refuses this user's rows, or takes them again."""
        self.tell(f"MySQL refuses, or takes again, the rows of {user}")
        self.world.ledger.refused ^= {user}

    # ---- what must hold ----------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        if self.world.is_changed():
            self.require(violations_now(self.world))

    def teardown(self) -> None:
        if not self.begun or self.broken:
            return
        self.tell("the end: " + ("everybody goes on" if self.graceful else "everybody is killed"))
        while self.graceful and self.world.stage.actors:
            for actor in list(self.world.stage.actors):
                self.run(actor)
            self.world.pass_time(1.0)
        self.world.stage.kill_all()
        unfinished = self.world.heal()
        self.require([*violations_at_the_end(self.world), *([unfinished] if unfinished else [])])

    def require(self, broken: list[str]) -> None:
        if broken:
            self.broken = True
            raise Violation("\n".join([*broken, "", "what happened:", *self.world.story]))

    # ---- how ---------------------------------------------------------------------------------

    def has_room(self) -> bool:
        return len(self.world.stage.actors) < ACTORS_MAX

    def rebuilds(self) -> int:
        return sum(actor.name == "rebuild" for actor in self.world.stage.actors)

    def start(self, name: str, work: Callable[[], None], plan: Plan) -> None:
        self.tell(f"{name} starts")
        self.follow(self.world.stage.start(name, work), plan)

    def follow(self, actor: Actor, plan: Plan) -> None:
        """Let an actor take the steps of the plan, as far as it has so many."""
        fates, then = plan
        for fate in fates:
            if actor.ended or self.is_waiting(actor):
                break
            self.step_of(actor, fate)
        if then is Then.KILLED and not actor.ended:
            self.tell(f"{actor.name} is killed before its {actor.point}")
            self.world.stage.go(actor, None)
        elif then is Then.ENDS:
            self.run(actor)
            if not actor.ended:
                self.pass_time(actor.wakes_at - self.world.clock.now)
                self.run(actor)

    def run(self, actor: Actor) -> None:
        """Let an actor go on to its end, or until it waits."""
        for _ in range(STEPS_MAX):
            if actor.ended or self.is_waiting(actor):
                return
            self.step_of(actor, Fate.PROCEED)
        message = f"{actor.name} goes round in circles at {actor.point}"
        raise Violation(message)

    def is_waiting(self, actor: Actor) -> bool:
        return actor.wakes_at > self.world.clock.now

    def step_of(self, actor: Actor, fate: Fate) -> None:
        self.tell(f"{actor.name}: {actor.point}: {fate}")
        self.world.stage.go(actor, fate)
        if actor.ended and actor.failure:
            self.tell(f"{actor.name} ends: {actor.failure!r}")

    def tell(self, line: str) -> None:
        self.world.story.append(line)
