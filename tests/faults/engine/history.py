"""One history, from its start to the check of its invariants."""

from __future__ import annotations

import dataclasses
import itertools
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from handlers.domain import times
from handlers.domain.record import Reason
from local.harness.observations import FIRST, Histories, Row
from tests.faults.acceptor.judge import judge
from tests.faults.engine import life, stored
from tests.faults.engine.act_counts import ActCounts, counted
from tests.faults.engine.actors import Actors
from tests.faults.engine.acts import GIVE_BACK
from tests.faults.engine.ending import Ending
from tests.faults.engine.injector import Injector
from tests.faults.engine.invariants import HistoryResult, lost, violations
from tests.faults.engine.journal import Journal
from tests.faults.engine.load import PATIENCE_S, Load, call
from tests.faults.engine.quiet import NO_RESPONSE, NotQuietError, Quiet, lost_forgeries
from tests.faults.engine.scenario import STRANGERS
from tests.faults.notes import JOURNAL, read

if TYPE_CHECKING:
    from tests.faults.acceptor.verdict import Verdict
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.scenario import Fault, Scenario
    from tests.faults.notes import Noted

# For the slowest recovery: a consumer that joins again, a relay, a rebuild, on a busy machine.
QUIET_S = 30.0
Arrivals = tuple[tuple[float, str], ...]
CREATE_S = 30.0
# Whether tests/faults/acceptor knows the scripts and rows of acts.py's actors. Until it does, such
# histories are judged by the invariants alone.
ACCEPTOR_KNOWS_LIFE = False
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
    is_judged: bool = True  # whether the model has judged a journal

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
    campaigns = _campaigns(cluster, scenario)
    struck = next(iter(campaigns))
    cluster.taps.watch(list(campaigns))
    for campaign_id in campaigns:
        _create(cluster, campaign_id, scenario.quantity)
    journal = Journal()
    loads = {
        campaign_id: Load(cluster.port, campaign_id, journal, cluster.stopping, patience_s)
        for campaign_id in campaigns
    }
    actors = Actors(cluster.port, loads[struck], journal, cluster.stopping)
    injector = Injector(cluster, scenario, struck, journal, actors)
    is_over = Event()
    with ThreadPoolExecutor(1 + len(loads)) as pool:
        faults = pool.submit(injector.run, is_over)
        try:
            with loads[struck].held_open():
                playing = [pool.submit(load.run, campaigns[each]) for each, load in loads.items()]
                actors.run(scenario.acts, patience_s)
            for load in playing:
                load.result()
        finally:
            is_over.set()
        faults.result()
    unreached = cluster.armed() - {JOURNAL}
    for name in unreached:
        (cluster.points / name).unlink(missing_ok=True)
    journal.note("the faults are over; waiting for quiet")
    broken = []
    ending = Ending(cluster, actors, loads[struck], quiet_s) if scenario.has_life else None
    if ending:
        try:
            ending.play()
        except NotQuietError as error:
            broken.append(f"P6: not quiet within {quiet_s:.0f} s: {error}")
    for campaign_id in campaigns:
        try:
            Quiet(cluster, campaign_id, injector.topic, quiet_s, agree_s).wait()
        except NotQuietError as error:
            broken.append(f"P6: not quiet within {quiet_s:.0f} s: {error}")
    journal.note("quiet")
    journals = cluster.taps.read(
        scenario.quantity,
        list(loads.values()),
        strangers=scenario.has(STRANGERS),
        quiet=not broken,
    )
    if scenario.has_life and not ACCEPTOR_KNOWS_LIFE:
        journals = journals[1:]  # the first one is of the struck campaign
    verdicts = [judge(each) for each in journals]
    noted = {each: read(cluster.points / JOURNAL, each) for each in campaigns}
    seen = [_result(cluster, scenario, loads[each], injector, noted[each]) for each in campaigns]
    failed = [one for each in seen for one in sorted(each.failed.items())]
    for user, why in failed:
        journal.note(f"in failed_event: {user}: {why}")
    if ending:
        seen[0] = _with_life(cluster, seen[0], actors)
    promises = [sentence for each in seen for sentence in violations(each)]
    seen_life = None
    if ending:
        seen_life = _life(cluster, scenario, actors, loads[struck], ending)
        promises += life.violations(seen_life)
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
        places_returned=seen_life.stored.campaign.places_returned if seen_life else 0,
        is_judged=bool(verdicts),
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


def _campaigns(cluster: Cluster, scenario: Scenario) -> dict[str, Arrivals]:
    """Return the campaign that faults strike, with its applications; in a cluster another as well.

    That one is on another shard, and other users apply: what they were promised holds as well.
    """
    campaign_id = f"faults-{scenario.seed}-{uuid.uuid4().hex[:8]}"
    campaigns: dict[str, Arrivals] = {campaign_id: scenario.arrivals}
    if shards := cluster.servers.shards:
        other = next(
            name
            for number in itertools.count()
            if shards.is_elsewhere(campaign_id, name := f"{campaign_id}-{number}")
        )
        campaigns[other] = tuple((at_s, f"other-{user}") for at_s, user in scenario.arrivals)
    return campaigns


def _reopened(injector: Injector, noted: Noted) -> tuple[str, float] | None:
    """Return the last loss of Redis, and after how long the campaign was open; None: it stayed."""
    if injector.last_loss and noted.opened_at:
        name, lost_at = injector.last_loss
        opened_s = max(noted.opened_at.values()) - lost_at
        return (name, opened_s) if opened_s > 0 else None
    return None


def _rejected(verdict: Verdict) -> str:
    return f"{MODEL}: not allowed: {verdict.first}" if verdict.first else ""


def _create(cluster: Cluster, campaign_id: str, quantity: int) -> None:
    """Create the campaign through the service, once the service responds."""
    now_ms = int(time.time() * 1000)
    body = {
        "id": campaign_id,
        "name": "History",
        "quantity": quantity,
        "opens_at": times.to_iso(now_ms - 60_000),
        "closes_at": times.to_iso(now_ms + 3_600_000),
    }
    deadline = time.monotonic() + CREATE_S
    status: object = None
    while time.monotonic() < deadline:
        try:
            status, _ = call(cluster.port, "POST", "/campaigns", "admin", "coupon:admin", body)
        except NO_RESPONSE as error:
            status = type(error).__name__
        if status in (200, 201):
            return
        cluster.fleet.start_missing()
        cluster.pause()
    tails = "\n".join(cluster.fleet.log_tails())
    message = f"the campaign could not be created: {status}; the programs said:\n{tails}"
    raise NotQuietError(message)


def _result(
    cluster: Cluster,
    scenario: Scenario,
    load: Load,
    injector: Injector,
    noted: Noted,
) -> HistoryResult:
    campaign_id = load.campaign_id
    coupons = "SELECT user_id, serial, admitted_at FROM coupon WHERE campaign_id = %s"
    # Of several of a user, a collision comes last and counts: it may have cost the serial.
    failed = (
        "SELECT user_id, reason, status FROM failed_event WHERE campaign_id = %s"
        " ORDER BY reason <> 'SUPERSEDED'"
    )
    forger = "forger"
    return HistoryResult(
        scenario,
        load.responses,
        [
            Row(user, n, times.from_datetime(at))
            for user, n, at in cluster.rows(coupons, campaign_id)
        ],
        {
            user: f"{reason} {status}"
            for user, reason, status in cluster.rows(failed, campaign_id)
            if user != forger
        },
        len(lost_forgeries(cluster, injector.topic.forged)),
        frozenset(load.unanswered),
        _histories(cluster, campaign_id, noted, load.started, has_life=scenario.has_life),
    )


def _life(
    cluster: Cluster, scenario: Scenario, actors: Actors, load: Load, ending: Ending
) -> life.Life:
    return life.Life(
        scenario.quantity,
        actors.answers,
        actors.unanswered,
        [each for got in load.responses.values() for each in got],
        stored.read(cluster, load.campaign_id),
        ending.settled_s,
        ending.has_takers,
    )


def _with_life(cluster: Cluster, seen: HistoryResult, actors: Actors) -> HistoryResult:
    """Add what the promises to applicants depend on where other actors act as well."""
    row = stored.of_mysql(cluster, actors.campaign_id)
    asked = [one.wanted["quantity"] for one in actors.answers if "quantity" in one.wanted]
    return dataclasses.replace(
        seen,
        givers=frozenset(one.act.about for one in actors.answers if one.act.verb == GIVE_BACK),
        last_serial=row.last_serial,
        lowest=min([seen.scenario.quantity, *asked]),
    )


def _histories(
    cluster: Cluster, campaign_id: str, noted: Noted, started: float, *, has_life: bool
) -> Histories:
    [(fence,)] = cluster.rows("SELECT fence FROM campaign WHERE id = %s", campaign_id)
    if fence == FIRST and not has_life:  # no giver is noted as the owner of one coupon
        return Histories()
    opened_s = {number: at - started for number, at in noted.opened_at.items()}
    return Histories(noted.givers, opened_s, noted.given_back)
