"""One history, from its start to the check of its invariants."""

from __future__ import annotations

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
    from tests.faults.engine.scenario import Scenario
    from tests.faults.notes import Noted

# For the slowest recovery: a consumer that joins again, a relay, a rebuild, on a busy machine.
QUIET_S = 30.0
CREATE_S = 30.0
# How a violation of the model begins, as one of a promise begins with the promise's number.
MODEL = "MODEL"


@dataclass(slots=True)
class Result:
    """The outcome of a history; `log` explains it."""

    scenario: Scenario
    violations: list[str]
    duration_s: float
    lost: int = 0  # accepted users without a coupon
    superseded: int = 0  # records that came too late for a rebuild
    responses: int = 0
    noted: Counter[str] = field(default_factory=Counter)
    unreached: set[str] = field(default_factory=set)
    events: int = 0  # of the journal that the model has judged
    gaps: tuple[str, ...] = ()  # what of it could not be read
    judged: list[str] = field(default_factory=list)  # the journal, where the model rejects it
    log: list[str] = field(default_factory=list)

    @property
    def is_rejected(self) -> bool:
        """Whether the model does not allow an event of the journal."""
        return any(each.startswith(MODEL) for each in self.violations)


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
    campaign_id = f"faults-{scenario.seed}-{uuid.uuid4().hex[:8]}"
    cluster.heal()
    cluster.fleet.want("scheduler-2", wanted=False)
    cluster.clear()
    cluster.taps.watch(campaign_id)
    _create(cluster, campaign_id, scenario.quantity)
    journal = Journal()
    load = Load(cluster.port, campaign_id, journal, cluster.stopping, patience_s)
    injector = Injector(cluster, scenario, campaign_id, journal)
    is_over = Event()
    with ThreadPoolExecutor(1) as pool:
        faults = pool.submit(injector.run, is_over)
        try:
            load.run(scenario.arrivals)
        finally:
            is_over.set()
        faults.result()
    unreached = cluster.armed() - {JOURNAL}
    for name in unreached:
        (cluster.points / name).unlink(missing_ok=True)
    journal.note("the faults are over; waiting for quiet")
    broken = []
    try:
        Quiet(cluster, campaign_id, injector.topic, quiet_s, agree_s).wait()
    except NotQuietError as error:
        broken.append(f"P6: not quiet within {quiet_s:.0f} s: {error}")
    journal.note("quiet")
    observed = cluster.taps.read(
        scenario.quantity, load, strangers=scenario.has(STRANGERS), quiet=not broken
    )
    verdict = judge(observed)
    noted = read(cluster.points / JOURNAL, campaign_id)
    seen = _result(cluster, scenario, campaign_id, load, injector, noted)
    for user, why in sorted(seen.failed.items()):
        journal.note(f"in failed_event: {user}: {why}")
    return Result(
        scenario,
        [*violations(seen), *broken, *_rejected(verdict)],
        time.monotonic() - started,
        lost=len(lost(seen)),
        superseded=sum(why.startswith(Reason.SUPERSEDED) for why in seen.failed.values()),
        noted=noted.how_often,
        responses=sum(map(len, load.responses.values())),
        unreached=unreached,
        events=verdict.events,
        gaps=verdict.gaps,
        judged=[*verdict.lines(), "", *observed.lines()] if verdict.rejected else [],
        log=[*(f"         fault: {fault}" for fault in scenario.faults), *journal.lines],
    )


def _rejected(verdict: Verdict) -> list[str]:
    return [f"{MODEL}: not allowed: {verdict.first}"] if verdict.first else []


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
    campaign_id: str,
    load: Load,
    injector: Injector,
    noted: Noted,
) -> HistoryResult:
    coupons = "SELECT user_id, serial, admitted_at FROM coupon WHERE campaign_id = %s"
    failed = "SELECT user_id, reason, status FROM failed_event WHERE campaign_id = %s"
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
        _histories(cluster, campaign_id, noted, load.started),
    )


def _histories(cluster: Cluster, campaign_id: str, noted: Noted, started: float) -> Histories:
    [(fence,)] = cluster.rows("SELECT fence FROM campaign WHERE id = %s", campaign_id)
    if fence == FIRST:
        return Histories()
    opened_s = {number: at - started for number, at in noted.opened_at.items()}
    return Histories(noted.givers, opened_s, noted.given_back)
