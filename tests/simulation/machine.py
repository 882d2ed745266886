"""The protocol as a state machine: every step of every program, and every fault between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulation.actors import Fate
from tests.simulation.verdict import violations_at_the_end, violations_now
from tests.simulation.world import POISON, STEPS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.actors import Actor
    from tests.simulation.world import World

USERS = ("ann", "bob", "cho", "dan")
ACTORS_MAX = 6
REBUILDS_MAX = 2
WHICH = st.integers(0, ACTORS_MAX - 1)
FATES = st.sampled_from([fate for fate in Fate if fate is not Fate.PROCEED])


class Violation(AssertionError):  # noqa: N818 - it is what was looked for
    """A promise is broken; the message names it and tells the history."""


class Protocol(RuleBasedStateMachine):
    """Two campaigns at most, four people; whoever runs the machine sets the world."""

    world: ClassVar[World]

    @initialize(
        quantities=st.lists(st.integers(1, 3), min_size=1, max_size=2), graceful=st.booleans()
    )
    def begin(self, quantities: list[int], *, graceful: bool) -> None:
        self.world.begin(quantities)
        self.graceful = graceful  # at the end everybody goes on; otherwise everybody is killed
        self.begun = True

    # ---- programs ----------------------------------------------------------------------------

    @precondition(lambda self: self.has_room())
    @rule(user=st.sampled_from(USERS), which=st.integers(0, 1), at_once=st.booleans())
    def press(self, user: str, which: int, *, at_once: bool) -> None:
        campaigns = self.world.campaigns
        campaign_id = campaigns[which % len(campaigns)].id
        self.start(f"apply of {user}", lambda: self.world.apply(user, campaign_id), at_once)

    @precondition(lambda self: self.has_room())
    @rule(limit=st.integers(1, 4), at_once=st.booleans())
    def consume(self, limit: int, *, at_once: bool) -> None:
        self.start("consumer", lambda: self.world.consume(limit), at_once)

    @precondition(lambda self: self.has_room())
    @rule(at_once=st.booleans())
    def relay(self, *, at_once: bool) -> None:
        self.start("relay", self.world.relay, at_once)

    @precondition(lambda self: self.has_room())
    @rule(at_once=st.booleans())
    def redrive(self, *, at_once: bool) -> None:
        self.start("redrive", self.world.redrive, at_once)

    @precondition(lambda self: self.has_room() and self.rebuilds() < REBUILDS_MAX)
    @rule(at_once=st.booleans())
    def rebuild(self, *, at_once: bool) -> None:
        self.start("rebuild", self.world.rebuild, at_once)

    # ---- their next steps --------------------------------------------------------------------

    @precondition(lambda self: self.awake())
    @rule(which=WHICH)
    def step(self, which: int) -> None:
        self.go(which, Fate.PROCEED)

    @precondition(lambda self: self.awake())
    @rule(which=WHICH, fate=FATES)
    def step_badly(self, which: int, fate: Fate) -> None:
        self.go(which, fate)

    @precondition(lambda self: self.awake())
    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        awake = self.awake()
        self.run(awake[which % len(awake)])

    @precondition(lambda self: self.world.stage.actors)
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        actors = self.world.stage.actors
        actor = actors[which % len(actors)]
        self.tell(f"{actor.name} is killed before its {actor.point}")
        self.world.stage.go(actor, None)

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

    @rule()
    def fsync(self) -> None:
        self.tell("Redis: fsync")
        self.world.redis.fsync()

    @rule(with_last_moments=st.booleans())
    def restart_redis(self, *, with_last_moments: bool) -> None:
        what = "everything" if with_last_moments else "what its disk has"
        self.tell(f"Redis restarts with {what}")
        self.world.restart_redis(with_last_moments=with_last_moments)

    @precondition(lambda self: self.world.may_flush())
    @rule()
    def flush_redis(self) -> None:
        self.tell("Redis is emptied")
        self.world.flush_redis()

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
        self.require(violations_now(self.world))

    def teardown(self) -> None:
        if not getattr(self, "begun", False):
            return
        self.tell("the end: " + ("everybody goes on" if self.graceful else "everybody is killed"))
        while self.graceful and self.world.stage.actors:
            for actor in self.awake():
                self.run(actor)
            self.world.pass_time(1.0)
        self.world.stage.kill_all()
        unfinished = self.world.heal()
        self.require([*violations_at_the_end(self.world), *([unfinished] if unfinished else [])])

    def require(self, broken: list[str]) -> None:
        if broken:
            raise Violation("\n".join([*broken, "", "what happened:", *self.world.story]))

    # ---- how ---------------------------------------------------------------------------------

    def has_room(self) -> bool:
        return len(self.world.stage.actors) < ACTORS_MAX

    def rebuilds(self) -> int:
        return sum(actor.name == "rebuild" for actor in self.world.stage.actors)

    def awake(self) -> list[Actor]:
        """Return who could take a step now."""
        now = self.world.clock.now
        return [actor for actor in self.world.stage.actors if actor.wakes_at <= now]

    def start(self, name: str, work: Callable[[], None], at_once: bool) -> None:  # noqa: FBT001
        self.tell(f"{name} starts")
        actor = self.world.stage.start(name, work)
        if at_once:
            self.run(actor)

    def go(self, which: int, fate: Fate) -> None:
        awake = self.awake()
        self.step_of(awake[which % len(awake)], fate)

    def run(self, actor: Actor) -> None:
        """Let an actor go on to its end, or until it waits."""
        for _ in range(STEPS_MAX):
            if actor.ended or actor.wakes_at > self.world.clock.now:
                return
            self.step_of(actor, Fate.PROCEED)
        message = f"{actor.name} goes round in circles at {actor.point}"
        raise Violation(message)

    def step_of(self, actor: Actor, fate: Fate) -> None:
        self.tell(f"{actor.name}: {actor.point}: {fate}")
        self.world.stage.go(actor, fate)
        if actor.ended and actor.failure:
            self.tell(f"{actor.name} ends: {actor.failure!r}")

    def tell(self, line: str) -> None:
        self.world.story.append(line)
