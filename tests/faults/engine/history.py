"""One history, from its start to the check of its invariants."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from handlers.domain.record import Reason
from tests.faults.acceptor.judge import judge
from tests.faults.engine.act_counts import ActCounts, counted
from tests.faults.engine.actors import Actors
from tests.faults.engine.creation import campaigns, create
from tests.faults.engine.ending import Ending
from tests.faults.engine.injector import Injector
from tests.faults.engine.invariants import lost, violations
from tests.faults.engine.journal import Journal
from tests.faults.engine.life import violations as broken_promises
from tests.faults.engine.load import PATIENCE_S, Load
from tests.faults.engine.observed import of_actors, of_applicants, with_actors
from tests.faults.engine.quiet import NotQuietError, Quiet
from tests.faults.engine.scenario import ACT, STRANGERS
from tests.faults.notes import JOURNAL, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.faults.acceptor.verdict import Verdict
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.creation import Arrivals
    from tests.faults.engine.scenario import Fault, Scenario
    from tests.faults.notes import Noted

# For the slowest recovery: a consumer that joins again, a relay, a rebuild, on a busy machine.
QUIET_S = 30.0
# How a violation of the model begins, as one of a promise begins with the promise's number.
MODEL = "MODEL"


@dataclass(slots=True)
class Result:
    """The outcome of a history; `log` explains it."""

    scenario: Scenario
    violations: list[str]
    duration_s: float
    lost: int = 0  # accepted users without a coupon
    excused: list[str] = field(default_factory=list)  # violations that window.py has taken out
    lost_in_window: int = 0
    superseded: int = 0  # records that came too late for a rebuild
    responses: int = 0
    noted: Counter[str] = field(default_factory=Counter)
    unreached: set[str] = field(default_factory=set)
    passed_over: set[Fault] = field(default_factory=set)
    # The last fault that began another history of Redis, and seconds until the campaign was open.
    reopened: tuple[str, float] | None = None
    events: int = 0  # of the journals that the model has judged
    gaps: tuple[str, ...] = ()  # what of them could not be read
    judged: list[str] = field(default_factory=list)  # the journals that the model rejects
    log: list[str] = field(default_factory=list)
    acts: dict[str, ActCounts] = field(default_factory=dict)  # by verb
    places_returned: int = 0

    @property
    def is_rejected(self) -> bool:
        """Whether the model does not allow an event of the journal."""
        return any(each.startswith(MODEL) for each in [*self.violations, *self.excused])


def run(
    cluster: Cluster,
    scenario: Scenario,
    *,
    quiet_s: float = QUIET_S,
    agree_s: float = QUIET_S,
    patience_s: float = PATIENCE_S,
) -> Result:
    """Play `scenario` in `cluster`; the result has every violation found."""
    started = time.monotonic()
    cluster.heal()
    cluster.confirm_by(scenario.confirming)
    cluster.fleet.want("scheduler-2", wanted=False)
    cluster.clear()
    arrivals = campaigns(cluster, scenario)
    cluster.taps.watch(list(arrivals))
    for campaign_id in arrivals:
        create(cluster, campaign_id, scenario)
    journal = Journal()
    loads = {
        campaign_id: Load(cluster.port, campaign_id, journal, cluster.stopping, patience_s)
        for campaign_id in arrivals
    }
    struck = next(iter(loads.values()))
    actors = Actors(cluster.port, struck, journal, cluster.stopping)
    injector = Injector(cluster, scenario, struck.campaign_id, journal, actors)
    _play(scenario, injector, actors, [(loads[each], at) for each, at in arrivals.items()])
    unreached = cluster.armed() - {JOURNAL}
    for name in unreached:
        (cluster.points / name).unlink(missing_ok=True)
    journal.note("the faults are over; waiting for quiet")
    ending = Ending(cluster, actors, struck, quiet_s) if scenario.has_life else None
    waits = [Quiet(cluster, each, injector.topic, quiet_s, agree_s).wait for each in arrivals]
    broken = _not_quiet([ending.play, *waits] if ending else waits, quiet_s)
    journal.note("quiet")
    journals = cluster.taps.read(
        scenario.quantity,
        list(loads.values()),
        strangers=scenario.has(STRANGERS),
        quiet=not broken,
    )
    verdicts = [judge(each) for each in journals]
    noted = {each: read(cluster.points / JOURNAL, each) for each in loads}
    seen = [of_applicants(cluster, scenario, loads[each], injector, noted[each]) for each in loads]
    failed = [one for each in seen for one in sorted(each.failed.items())]
    for user, why in failed:
        journal.note(f"in failed_event: {user}: {why}")
    life = of_actors(cluster, scenario, actors, struck, ending) if ending else None
    if life:
        seen[0] = with_actors(seen[0], life)
    promises = [sentence for each in seen for sentence in violations(each)]
    promises += broken_promises(life) if life else []
    return Result(
        scenario,
        [*promises, *broken, *filter(None, map(_rejected, verdicts))],
        time.monotonic() - started,
        lost=sum(len(lost(each)) for each in seen),
        superseded=sum(why.startswith(Reason.SUPERSEDED) for _, why in failed),
        noted=sum((each.how_often for each in noted.values()), Counter[str]()),
        responses=sum(len(got) for each in seen for got in each.responses.values()),
        unreached=unreached,
        passed_over=injector.passed_over,
        reopened=_reopened(injector, next(iter(noted.values()))),
        acts=counted(actors.answers),
        places_returned=life.stored.campaign.places_returned if life else 0,
        events=sum(each.events for each in verdicts),
        gaps=tuple(dict.fromkeys(gap for each in verdicts for gap in each.gaps)),
        judged=[
            line
            for verdict, seen_of_it in zip(verdicts, journals, strict=True)
            if verdict.rejected
            for line in (*verdict.lines(), "", *seen_of_it.lines())
        ],
        log=[*(f"         fault: {fault}" for fault in scenario.faults), *journal.lines],
    )


def _play(
    scenario: Scenario,
    injector: Injector,
    actors: Actors,
    loads: Sequence[tuple[Load, Arrivals]],
) -> None:
    """Let all users apply and all actors act while the faults strike, until all have answers."""
    is_over, struck = Event(), loads[0][0]
    with ThreadPoolExecutor(1 + len(loads)) as pool:
        faults = pool.submit(injector.run, is_over)
        try:
            with struck.held_open():
                playing = [pool.submit(load.run, arrivals) for load, arrivals in loads]
                actors.run(scenario.acts, struck.patience_s)
                if scenario.has(frozenset({ACT})):
                    injector.is_through.wait(struck.patience_s)
            for load in playing:
                load.result()
        finally:
            is_over.set()
        faults.result()


def _not_quiet(waits: Iterable[Callable[[], None]], quiet_s: float) -> list[str]:
    """Wait for the end of everything; return a sentence for each that does not come."""
    broken = []
    for wait in waits:
        try:
            wait()
        except NotQuietError as error:
            broken.append(f"P6: not quiet within {quiet_s:.0f} s: {error}")
    return broken


def _reopened(injector: Injector, noted: Noted) -> tuple[str, float] | None:
    """Return the last loss of Redis, and after how long the campaign was open; None: it stayed."""
    if injector.last_loss and noted.opened_at:
        name, lost_at = injector.last_loss
        opened_s = max(noted.opened_at.values()) - lost_at
        return (name, opened_s) if opened_s > 0 else None
    return None


def _rejected(verdict: Verdict) -> str:
    return f"{MODEL}: not allowed: {verdict.first}" if verdict.first else ""
