"""One run of the demo, from the campaign to the checks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.demo.artifacts import METRICS, PICTURES, RESPONSES, clear, write
from local.demo.metrics import metrics
from local.demo.observe import Crowd, observe
from local.demo.requests import requests
from local.demo.summary import summary
from local.harness.deployment import DeploymentOptions, running_deployment
from local.harness.invariants import Verdict, as_json, check
from local.harness.system_info import machine, versions

if TYPE_CHECKING:
    from local.demo.metrics import Run
    from local.demo.options import Options
    from local.harness.console import Console
    from local.harness.deployment import Deployment
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
    secret = deployment.settings.auth_jwt_secret
    campaign_id = deployment.api.create_campaign(options.quantity, secret)
    applications = requests(options.users, options.impatient, secret)
    crowd = Crowd(campaign_id, options.quantity, applications, options.wait_s)
    return observe(deployment, crowd, screen, signals)


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
