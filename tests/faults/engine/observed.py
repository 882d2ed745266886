"""What is observed of a history at its end, for the checks of the promises."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from handlers.domain import times
from local.harness.observations import FIRST, Histories, Row
from tests.faults.engine import stored
from tests.faults.engine.acts import GIVE_BACK
from tests.faults.engine.invariants import HistoryResult
from tests.faults.engine.life import Life
from tests.faults.engine.quiet import lost_forgeries
from tests.faults.engine.scenario import WRONG_TIMES

if TYPE_CHECKING:
    from tests.faults.engine.actors import Actors
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.ending import Ending
    from tests.faults.engine.injector import Injector
    from tests.faults.engine.load import Load
    from tests.faults.engine.scenario import Scenario
    from tests.faults.notes import Noted


def of_applicants(
    cluster: Cluster,
    scenario: Scenario,
    load: Load,
    injector: Injector,
    noted: Noted,
) -> HistoryResult:
    """Return what applicants were answered, and what MySQL has of them."""
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


def of_actors(
    cluster: Cluster, scenario: Scenario, actors: Actors, load: Load, ending: Ending
) -> Life:
    """Return what the other actors were answered, and what the stores have."""
    return Life(
        scenario.quantity,
        actors.answers,
        actors.unanswered,
        [each for got in load.responses.values() for each in got],
        stored.read(cluster, load.campaign_id),
        ending.settled_s,
        ending.has_takers,
        not scenario.has(WRONG_TIMES),
    )


def with_actors(seen: HistoryResult, life: Life) -> HistoryResult:
    """Add what the promises to applicants depend on where other actors act as well."""
    asked = [one.wanted["quantity"] for one in life.answers if "quantity" in one.wanted]
    return dataclasses.replace(
        seen,
        givers=frozenset(one.act.about for one in life.answers if one.act.verb == GIVE_BACK),
        last_serial=life.stored.campaign.last_serial,
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
