"""One burst on one campaign, and what it left: responses, rows, the campaign's state in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pymysql
from redis.exceptions import RedisError

from local.demo.burst import BurstClient, at_once, burst
from local.demo.metrics import Run
from local.harness.arrival import Arrival, Outstanding, await_arrival
from local.harness.mysql_state import RowWatch, read_rows
from local.harness.observations import Observations
from local.harness.processes import HarnessError
from local.harness.redis_state import read_counts, read_version
from local.migrate import database_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo.burst import Opening
    from local.demo.requests import ApplyRequest
    from local.harness.console import Console
    from local.harness.deployment import Deployment
    from local.harness.signals import SignalHandler


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who applies to which campaign. opening: all wait for it, with their connections open."""

    campaign_id: str
    quantity: int
    applications: Sequence[ApplyRequest]
    wait_s: float
    opening: Opening = at_once

    @property
    def people(self) -> int:
        """How many different users apply."""
        return len({each.user for each in self.applications})

    @property
    def rows_due(self) -> int:
        """How many rows there must be, where none else applies."""
        return min(self.quantity, self.people)


def observe(
    deployment: Deployment, crowd: Crowd, screen: Console, signals: SignalHandler
) -> tuple[Run, dict[str, str]]:
    """Let the crowd apply, wait until all has arrived; return it with the servers' versions."""
    settings, address = deployment.settings, database_address(deployment.settings)
    client = BurstClient(deployment.api, crowd.campaign_id, crowd.wait_s)
    try:
        with RowWatch(address, crowd.campaign_id, crowd.rows_due) as watch:
            outcome = signals.run(burst(client, crowd.applications, screen, crowd.opening))
            arrival = _await_arrival(watch, crowd, deployment, screen)
        highest, pending = read_counts(settings, crowd.campaign_id)
        rows, failed, mysql_version = read_rows(address, crowd.campaign_id, crowd.wait_s)
        redis_version = read_version(settings, crowd.campaign_id)
    except (pymysql.Error, RedisError) as error:
        message = f"a server went away: {type(error).__name__}: {error}"
        raise HarnessError(message) from error
    observations = Observations(
        crowd.quantity,
        outcome.responses,
        rows,
        people=crowd.people,
        requests=len(crowd.applications),
        highest_count=highest,
        pending=pending,
        failed_events=failed,
    )
    since = outcome.started
    run = Run(
        crowd.campaign_id,
        deployment.kind,
        observations,
        outcome.connections,
        [(at - since, count) for at, count in watch.seen],
        None if watch.complete_at is None else watch.complete_at - since,
        (arrival.lateness,) if arrival.lateness else (),
    )
    return run, {"MySQL": mysql_version, "Redis": redis_version}


def _await_arrival(
    watch: RowWatch, crowd: Crowd, deployment: Deployment, screen: Console
) -> Arrival:
    """Return when all rows are stored, or none moves any more: the checks report missing rows."""
    with screen.bar("Rows in MySQL", crowd.rows_due) as shown:

        def look() -> Outstanding:
            watch.wait(0)
            deployment.check()
            shown(watch.count)
            highest, pending = read_counts(deployment.settings, crowd.campaign_id)
            # All have applied: no more is due than was given. 0 is a Redis that is rebuilt.
            due = min(crowd.rows_due, highest or crowd.rows_due)
            return Outstanding(max(0, due - watch.count), pending)

        return await_arrival(look, crowd.wait_s, deployment.relay_within_s, screen.say)
