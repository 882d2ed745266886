"""One run of the demo, from the campaign to the checks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pymysql
from redis.exceptions import RedisError

from local.demo.artifacts import METRICS, PICTURES, RESPONSES, clear, write
from local.demo.burst import BurstClient, burst
from local.demo.metrics import Run, metrics
from local.demo.requests import requests
from local.demo.summary import summary
from local.harness.arrival import Arrival, Outstanding, await_arrival
from local.harness.deployment import Deployment, DeploymentOptions, running_deployment
from local.harness.invariants import Verdict, as_json, check
from local.harness.mysql_state import RowWatch, read_rows
from local.harness.observations import Observations
from local.harness.processes import HarnessError
from local.harness.redis_state import read_counts, read_version
from local.harness.system_info import machine, versions
from local.migrate import database_address

if TYPE_CHECKING:
    from local.demo.options import Options
    from local.harness.console import Console
    from local.harness.signals import SignalHandler


def show(options: Options, screen: Console, signals: SignalHandler) -> bool:
    """Run the whole demo and print its summary; return whether every promise was kept."""
    started = time.perf_counter()
    clear(options.out)
    wanted = DeploymentOptions(options.servers, options.kafka, options.out, options.wait_s)
    with running_deployment(wanted, screen) as deployment:
        run, server_versions = _run(deployment, options, screen, signals)
        with screen.step("Checks, metrics, picture"):
            check_results = check(run.observations)
            values = metrics(run)
            promises = as_json(check_results, run.lateness)
            record = promises | _record(values, server_versions, time.perf_counter() - started)
            write(options.out, run, record)
        screen.console.print(summary(values, check_results, run.lateness))
    screen.say(f"{options.out}: {', '.join((*PICTURES, METRICS, RESPONSES))}")
    screen.say(f"{time.perf_counter() - started:.1f} s in all")
    return promises["verdict"] is not Verdict.BROKEN


def _run(
    deployment: Deployment, options: Options, screen: Console, signals: SignalHandler
) -> tuple[Run, dict[str, str]]:
    settings, address = deployment.settings, database_address(deployment.settings)
    campaign_id = deployment.api.create_campaign(options.quantity, settings.auth_jwt_secret)
    applications = requests(options.users, options.impatient, settings.auth_jwt_secret)
    people = options.users + options.impatient
    due = min(options.quantity, people)
    client = BurstClient(deployment.api, campaign_id, options.wait_s)
    try:
        with RowWatch(address, campaign_id, due) as watch:
            outcome = signals.run(burst(client, applications, screen))
            arrival = _await_arrival(watch, due, deployment, campaign_id, options.wait_s, screen)
        highest, pending = read_counts(settings, campaign_id)
        rows, failed, mysql_version = read_rows(address, campaign_id, options.wait_s)
        server_versions = {"MySQL": mysql_version, "Redis": read_version(settings, campaign_id)}
    except (pymysql.Error, RedisError) as error:
        message = f"a server went away: {type(error).__name__}: {error}"
        raise HarnessError(message) from error
    observations = Observations(
        options.quantity,
        outcome.responses,
        rows,
        people=people,
        requests=len(applications),
        highest_count=highest,
        pending=pending,
        failed_events=failed,
    )
    since = outcome.started
    seen = [(at - since, count) for at, count in watch.seen]
    complete_s = None if watch.complete_at is None else watch.complete_at - since
    run = Run(
        campaign_id,
        deployment.kind,
        observations,
        outcome.connections,
        seen,
        complete_s,
        (arrival.lateness,) if arrival.lateness else (),
    )
    return run, server_versions


def _await_arrival(
    watch: RowWatch,
    due: int,
    deployment: Deployment,
    campaign_id: str,
    wait_s: float,
    screen: Console,
) -> Arrival:
    """Return when all rows are stored, or none moves any more: the checks report missing rows."""
    with screen.bar("Rows in MySQL", due) as shown:

        def look() -> Outstanding:
            watch.wait(0)
            deployment.check()
            shown(watch.count)
            _, pending = read_counts(deployment.settings, campaign_id)
            return Outstanding(max(0, due - watch.count), pending)

        return await_arrival(look, wait_s, deployment.relay_within_s, screen.say)


def _record(
    values: dict[str, Any], server_versions: dict[str, str], total_s: float
) -> dict[str, Any]:
    """Return the content of the JSON file, but the promises."""
    return {
        **values,
        "total_s": round(total_s, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions() | server_versions,
        "machine": machine(),
    }
