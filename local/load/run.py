"""The course of a load test: surroundings, people, verdict; everything ended at the end."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
from redis.exceptions import RedisError

from local.harness.deployment import DeploymentOptions, running_deployment
from local.harness.processes import ROOT, HarnessError, Program, running
from local.load.final_state import read_final_state
from local.load.invariants import check_load
from local.load.session_log import FILES, LoadResult
from local.load.summary import metrics, summary
from local.servers.ports import HOST, is_free

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from local.harness.console import Console
    from local.harness.deployment import Deployment
    from local.harness.processes import Running

REPORT, FIGURES, STATISTICS = "report.html", "load.json", "locust.json"
POLL_INTERVAL_S = 0.2


def run(options: argparse.Namespace, screen: Console) -> bool:
    """Let people live through the day; return whether every promise was kept."""
    if not os.access(options.python, os.X_OK):
        message = f"there is no {options.python}; `make load` installs Locust there"
        raise HarnessError(message)
    if options.ui and not is_free(options.port):
        message = f"port {options.port} is taken: name another one with --port"
        raise HarnessError(message)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (REPORT, FIGURES, STATISTICS, FILES, "logs/locust.log"):
        for file in options.out.glob(name):
            file.unlink()
    asked = DeploymentOptions(options.servers, options.kafka, options.out, options.wait_s)
    with running_deployment(asked, screen) as deployment:
        # Signs everybody's token.
        environment = {**os.environ, "AUTH_JWT_SECRET": deployment.settings.auth_jwt_secret}
        with running([_locust(options, deployment)], environment) as [people]:
            if options.ui:
                _await_page(people, options.port)
                address = f"http://{HOST}:{options.port}"
                screen.say(f"Locust's page: {address} (each start is a day; Ctrl-C ends)")
            days = _days(people, deployment, options.out, screen)
            kept = [_judge(day, deployment, options, screen) for day in days]
    if not kept:
        message = "no day came to its end"
        raise HarnessError(message)
    return all(kept)


def _locust(options: argparse.Namespace, deployment: Deployment) -> Program:
    """Return Locust on the locustfile; everybody has come when half of the wait is over."""
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
        # Answers are judged here, all together.
        "--exit-code-on-error": 0,
    }
    if options.ui:
        switches = ["--web-host", HOST, "--web-port", str(options.port)]
    else:
        switches = ["--headless", "--only-summary", "--html", str(out / REPORT)]
    pairs = [str(word) for pair in arguments.items() for word in pair]
    log, python = out / "logs" / "people.log", str(options.python.absolute())
    return Program("Locust", "locust", (*pairs, *switches), log, python)


def _await_page(people: Running, port: int) -> None:
    between = threading.Event()
    while is_free(port):
        people.check()
        between.wait(POLL_INTERVAL_S)


def _days(
    people: Running, deployment: Deployment, folder: Path, screen: Console
) -> Iterator[LoadResult]:
    """Yield each day once it is written down; meanwhile say what the people's process says."""
    known: set[Path] = set()
    between = threading.Event()
    with people.program.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            ended = people.exit_code is not None  # before the look: nothing comes after it
            deployment.check()
            for line in log:
                screen.say(line.rstrip())
            for file in sorted(set(folder.glob(FILES)) - known):
                known.add(file)
                yield LoadResult.read(file)
            if ended:
                break
            between.wait(POLL_INTERVAL_S)
    if people.exit_code:
        people.check()


def _judge(
    day: LoadResult, deployment: Deployment, options: argparse.Namespace, screen: Console
) -> bool:
    if not day.ended:
        screen.say(f"{day.campaign_id} was stopped before everybody had left: no verdict")
        return False
    with screen.step("Verdict"):
        try:
            stands = read_final_state(deployment, day.campaign_id, options.wait_s)
        except (pymysql.Error, RedisError) as error:
            message = f"a server went away: {type(error).__name__}: {error}"
            raise HarnessError(message) from error
        findings = check_load(day, stands)
        told = metrics(day, findings)
        (options.out / FIGURES).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    screen.console.print(summary(day, findings))
    return all(finding.kept for finding in findings)
