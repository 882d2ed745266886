"""The steps of a load test: deployment, users, checks; all programs are stopped at the end."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
from redis.exceptions import RedisError

from local.harness.deployment import DeploymentOptions, running_deployment
from local.harness.invariants import Verdict, verdict
from local.harness.processes import ROOT, HarnessError, Program, running
from local.load.final_state import read_final_state
from local.load.invariants import check_load, lateness
from local.load.session_log import FILES, LoadResult
from local.load.summary import metrics, summary
from local.servers.ports import HOST, is_free

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from local.harness.console import Console
    from local.harness.deployment import Deployment
    from local.harness.processes import Running

REPORT, METRICS, STATISTICS = "report.html", "load.json", "locust.json"
POLL_INTERVAL_S = 0.2


def run(options: argparse.Namespace, console: Console) -> bool:
    """Run the load test; return whether every promise was kept."""
    if not os.access(options.python, os.X_OK):
        message = f"there is no {options.python}; `make load` installs Locust there"
        raise HarnessError(message)
    if options.ui and not is_free(options.port):
        message = f"port {options.port} is taken: name another one with --port"
        raise HarnessError(message)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (REPORT, METRICS, STATISTICS, FILES, "logs/locust.log"):
        for file in options.out.glob(name):
            file.unlink()
    asked = DeploymentOptions(options.servers, options.kafka, options.out, options.wait_s)
    with running_deployment(asked, console) as deployment:
        # AUTH_JWT_SECRET signs the tokens of all users.
        environment = {**os.environ, "AUTH_JWT_SECRET": deployment.settings.auth_jwt_secret}
        with running([_locust(options, deployment)], environment) as [locust]:
            if options.ui:
                _await_page(locust, options.port)
                address = f"http://{HOST}:{options.port}"
                console.say(f"Locust's page: {address} (each start is a run; Ctrl-C ends)")
            loads = _loads(locust, deployment, options.out, console)
            kept = [_check(load, deployment, options, console) for load in loads]
    if not kept:
        message = "no run came to its end"
        raise HarnessError(message)
    return all(kept)


def _locust(options: argparse.Namespace, deployment: Deployment) -> Program:
    """Return Locust with the locustfile; all users have come after half of the countdown."""
    out = options.out.resolve()
    arguments = {
        "--locustfile": ROOT / "local/load/locustfile.py",
        "--host": deployment.api.url,
        "--users": options.users,
        "--spawn-rate": options.users / max(options.countdown / 2, 1),
        "--quantity": options.quantity,
        "--countdown": options.countdown,
        "--hang-ups": options.hang_ups,
        "--patience": options.wait_s,
        "--days": out,
        "--logfile": out / "logs" / "locust.log",
        "--loglevel": "WARNING",
        "--json-file": out / Path(STATISTICS).stem,  # Locust adds .json
        # This process checks the responses, all together.
        "--exit-code-on-error": 0,
    }
    if options.ui:
        switches = ["--web-host", HOST, "--web-port", str(options.port)]
    else:
        switches = ["--headless", "--only-summary", "--html", str(out / REPORT)]
    pairs = [str(word) for pair in arguments.items() for word in pair]
    log, python = out / "logs" / "people.log", str(options.python.absolute())
    return Program("Locust", "locust", (*pairs, *switches), log, python)


def _await_page(locust: Running, port: int) -> None:
    between = threading.Event()
    while is_free(port):
        locust.check()
        between.wait(POLL_INTERVAL_S)


def _loads(
    locust: Running, deployment: Deployment, folder: Path, console: Console
) -> Iterator[LoadResult]:
    """Yield each result once it is written; meanwhile print what Locust prints."""
    known: set[Path] = set()
    between = threading.Event()
    with locust.program.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            ended = locust.exit_code is not None  # read first: no file comes after it
            deployment.check()
            for line in log:
                console.say(line.rstrip())
            for file in sorted(set(folder.glob(FILES)) - known):
                known.add(file)
                yield LoadResult.read(file)
            if ended:
                break
            between.wait(POLL_INTERVAL_S)
    if locust.exit_code:
        locust.check()


def _check(
    load: LoadResult, deployment: Deployment, options: argparse.Namespace, console: Console
) -> bool:
    if not load.ended:
        console.say(f"{load.campaign_id} was stopped before all users had left: not checked")
        return False
    with console.step("Checks"):
        try:
            final = read_final_state(deployment, load.campaign_id, options.wait_s, console.say)
        except (pymysql.Error, RedisError) as error:
            message = f"a server went away: {type(error).__name__}: {error}"
            raise HarnessError(message) from error
        results, late = check_load(load, final), lateness(load, final)
        record = metrics(load, results, late)
        (options.out / METRICS).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    console.console.print(summary(load, results, late))
    return verdict(results) is not Verdict.BROKEN
