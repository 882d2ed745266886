"""The protocol as a state machine: every step of every program, and every fault between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handlers import privacy
from tests.simulation import faults
from tests.simulation.actors import Fate
from tests.simulation.healing import heal
from tests.simulation.invariants import violations_at_the_end, violations_now
from tests.simulation.plans import (
    ACTORS_MAX,
    HAPPENINGS,
    USERS,
    Happening,
    Plan,
    Program,
    Run,
    Then,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.actors import Actor
    from tests.simulation.cluster import Cluster

REBUILDS_MAX = 2
# Per history: more of them leave no time for other steps between.
NEW_EPOCHS_MAX = 4
POISONED_MAX = 2
LIMIT = 4  # records of a partition in one poll
# No run takes this many calls; a run that does loops.
CALLS_MAX = 1000
REBUILD = Run(Program.REBUILD, "", 0)
TO_THE_END = Plan(0, None, Then.ENDS)


class Violation(AssertionError):  # noqa: N818 - it is the result sought
    """A promise is broken; the message names it and lists the history."""


class Protocol(RuleBasedStateMachine):
    """Two campaigns at most, four users; `run.play` sets the cluster."""

    cluster: ClassVar[Cluster]
    group_size: ClassVar[int] = 1  # users who apply in one batch
    started = broken = graceful = False

    @initialize(
        quantities=st.lists(st.integers(1, 3), min_size=1, max_size=2),
        graceful=st.booleans(),
        staged=st.sampled_from([False, False, True]),
    )
    def begin(self, quantities: list[int], *, graceful: bool, staged: bool) -> None:
        self.cluster.begin(quantities, staged=staged)
        self.graceful = graceful  # at the end: let all actors finish, or kill them
        self.started = True

    @rule(happening=HAPPENINGS)
    def happens(self, happening: Happening) -> None:
        """Call one of the methods below."""
        name, drawn = happening
        getattr(self, name)(**drawn)

    # ---- programs ----------------------------------------------------------------------------

    def apply(self, user: str, which: int, plan: Plan) -> None:
        self.play(Run(Program.APPLY, user, which), plan)

    def operate(self, program: Program, plan: Plan) -> None:
        self.play(Run(program, "", 0), plan)

    def live(self, program: Program, user: str, which: int, number: int, plan: Plan) -> None:
        """A coupon is used or ends, or its campaign changes."""
        self.play(Run(program, user, which, number), plan)

    def go_on(self, which: int, plan: Plan) -> None:
        """Let a paused actor take the next steps."""
        if actors := self.cluster.stage.actors:
            self.follow(actors[which % len(actors)], plan)

    def is_overtaken(
        self,
        run: Run,
        calls: int,
        fate: Fate | None,
        fault: str | None,
        *,
        rebuilt: bool,
        arrives: bool,
        between: list[Run],
        others: list[Run],
    ) -> None:
        """A program pauses, Redis has a fault, others run to their end, then it continues.

        fate: of its last call before the pause, if not all go well. arrives: what it has sent late
        comes in before it continues.

        The other rules can do the same in sum, but rarely in this order.
        """
        slow = self.play(run, Plan(calls, fate, Then.PAUSES))
        if fault:
            self.inject_redis(fault)
        if rebuilt:
            self.play(REBUILD, TO_THE_END)
        for other in between:
            self.play(other, TO_THE_END)
        while arrives and self.cluster.log.wire:
            self.arrive(0)
        if slow and not slow.ended:
            self.follow(slow, TO_THE_END)
        for other in others:
            self.play(other, TO_THE_END)

    # ---- time and faults ---------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.record(f"{seconds} s pass")
        self.cluster.pass_time(seconds)

    def reservations_end(self) -> None:
        """The time of every reservation is over, except where a paused call has locked it."""
        is_done = self.cluster.shop.end_reservations()
        self.record("all reservations are over" if is_done else "a reservation is locked")

    def arrive(self, which: int) -> None:
        if wire := self.cluster.log.wire:
            sent = wire.pop(which % len(wire))
            self.record("a record arrives late")
            self.cluster.log.append(sent.partition, sent.value)

    def redis(self, kind: str, *, rebuild: bool) -> None:
        self.inject_redis(kind)
        if rebuild:
            self.play(REBUILD, TO_THE_END)

    def poison(self, kind: str, partition: int) -> None:
        if len(self.cluster.poisoned) < POISONED_MAX:
            self.record(f"poison: {kind}")
            faults.poison(self.cluster, kind, partition)

    def refuse(self, user: str) -> None:
        """MySQL refuses this user's rows, or takes them again."""
        self.record(f"MySQL refuses, or takes again, the rows of {user}")
        self.cluster.ledger.refused ^= {user}

    # ---- what must hold ----------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        if self.cluster.is_changed():
            self.require(violations_now(self.cluster))

    def teardown(self) -> None:
        if not self.started or self.broken:
            return
        self.record(
            "the end: " + ("all actors finish" if self.graceful else "all actors are killed")
        )
        while self.graceful and self.cluster.stage.actors:
            for actor in list(self.cluster.stage.actors):
                self.run(actor)
            self.cluster.pass_time(1.0)
        self.cluster.stage.kill_all()
        unfinished = heal(self.cluster)
        broken = [*violations_at_the_end(self.cluster), *([unfinished] if unfinished else [])]
        if self.cluster.journal:
            broken += self.cluster.journal.rejections(self.cluster.log)
        self.require(broken)

    def require(self, broken: list[str]) -> None:
        if broken:
            self.broken = True
            raise Violation("\n".join([*broken, "", "what happened:", *self.cluster.story]))

    # ---- helpers-----------------------------------------------------------------------------

    def play(self, run: Run, plan: Plan) -> Actor | None:
        """Start a program, unless too many are paused already, and let it follow the plan."""
        paused = [actor.name for actor in self.cluster.stage.actors]
        rebuilds = paused.count(Program.REBUILD) if run.program is Program.REBUILD else 0
        if len(paused) == ACTORS_MAX or rebuilds == REBUILDS_MAX:
            return None
        name, work = self.work_of(run)
        if work is None:
            return None
        self.record(f"{name} starts")
        actor = self.cluster.stage.start(name, work)
        self.follow(actor, plan)
        return actor

    def work_of(self, run: Run) -> tuple[str, Callable[[], object] | None]:
        """Return what a run is called and does; None where it has no coupon to work on."""
        campaigns = self.cluster.campaigns
        campaign_id = campaigns[run.which % len(campaigns)].id
        match run.program:
            case Program.APPLY:
                users = self.group_of(run.user)
                name = f"{run.program} of {' and '.join(users)}"
                return name, lambda: self.cluster.apply(users, campaign_id)
            case Program.CONSUMER:
                return run.program, lambda: self.cluster.consume(LIMIT)
            case Program.COMPLETION:
                return run.program, lambda: privacy.privacy_handler({}, None)
            case Program.RELAY | Program.REDRIVE | Program.REBUILD:
                return run.program, getattr(self.cluster, run.program)
        return self.cluster.shop.work_of(run, campaign_id)

    def group_of(self, user: str) -> Sequence[str]:
        first = USERS.index(user)
        return [USERS[n % len(USERS)] for n in range(first, first + self.group_size)]

    def inject_redis(self, kind: str) -> None:
        if self.cluster.new_epochs == NEW_EPOCHS_MAX:
            return
        self.record(f"Redis: {kind}")
        faults.inject_redis(self.cluster, kind)

    def follow(self, actor: Actor, plan: Plan) -> None:
        """Let an actor make the calls of the plan, as far as it has that many."""
        fates = [Fate.PROCEED] * plan.well + ([plan.fault] if plan.fault else [])
        for fate in fates:
            if actor.ended:
                break
            self.step_of(actor, fate)
        if plan.then is Then.KILLED and not actor.ended:
            self.record(f"{actor.name} is killed before its {actor.point}")
            self.cluster.stage.go(actor, None)
        elif plan.then is Then.ENDS:
            self.run(actor)

    def run(self, actor: Actor) -> None:
        """Let an actor continue to its end."""
        for _ in range(CALLS_MAX):
            if actor.ended:
                return
            self.step_of(actor, Fate.PROCEED)
        message = f"{actor.name} goes round in circles at {actor.point}"
        raise Violation(message)

    def step_of(self, actor: Actor, fate: Fate) -> None:
        self.record(f"{actor.name}: {actor.point}: {fate}")
        self.cluster.stage.go(actor, fate)
        if actor.ended and actor.failure:
            self.record(f"{actor.name} ends: {actor.failure!r}")

    def record(self, line: str) -> None:
        self.cluster.story.append(line)
