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
from local.harness.deployment import Deployment, DeploymentOptions, running_deployment
from local.harness.invariants import as_json, check
from local.harness.mysql_state import RowWatch, read_rows
from local.harness.observations import Observations
from local.harness.processes import HarnessError
from local.harness.redis_state import read_version, settled_counts
from local.harness.system_info import machine, versions
from local.migrate import database_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.demo.options import Options
    from local.harness.console import Console
    from local.harness.invariants import CheckResult
    from local.harness.signals import SignalHandler

# How often the bar of rows moves, and how soon a gateway that has ended is noticed.
POLL_INTERVAL_S = 0.1


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
            record = _record(values, check_results, server_versions, time.perf_counter() - started)
            write(options.out, run, record)
        screen.console.print(summary(values, check_results))
    screen.say(f"{options.out}: {', '.join((*PICTURES, METRICS, RESPONSES))}")
    screen.say(f"{time.perf_counter() - started:.1f} s in all")
    return all(result.kept for result in check_results)


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
            _await_rows(watch, due, deployment, options.wait_s, screen)
        highest, pending = settled_counts(settings, campaign_id, options.wait_s)
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
    run = Run(campaign_id, deployment.kind, observations, outcome.connections, seen, complete_s)
    return run, server_versions


def _await_rows(
    watch: RowWatch, due: int, deployment: Deployment, wait_s: float, screen: Console
) -> None:
    """Return when all rows are stored, or at the deadline: the checks report missing rows."""
    deadline = time.monotonic() + wait_s
    with screen.bar("Rows in MySQL", due) as shown:
        while not watch.wait(POLL_INTERVAL_S) and time.monotonic() < deadline:
            shown(watch.count)
            deployment.check()


def _record(
    values: dict[str, Any],
    check_results: Sequence[CheckResult],
    server_versions: dict[str, str],
    total_s: float,
) -> dict[str, Any]:
    """Return the content of the JSON file."""
    return {
        **as_json(check_results),
        **values,
        "total_s": round(total_s, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions() | server_versions,
        "machine": machine(),
    }
