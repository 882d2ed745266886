"""The course of a load test: surroundings, people, verdict; everything ended at the end."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
from redis.exceptions import RedisError

from local.harness.deployment import DeploymentOptions, surroundings
from local.harness.processes import ROOT, DemoError, Program, running
from local.load.final_state import read_stands
from local.load.invariants import judge_day
from local.load.session_log import FILES, Day
from local.load.summary import figures, summary
from local.servers.ports import HOST, is_free

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from local.harness.console import Screen
    from local.harness.deployment import Surroundings
    from local.harness.processes import Running

REPORT, FIGURES, STATISTICS = "report.html", "load.json", "locust.json"
LOOK_S = 0.2


def hold_days(options: argparse.Namespace, screen: Screen) -> bool:
    """Let people live through the day; return whether every promise was kept."""
    if not os.access(options.python, os.X_OK):
        message = f"there is no {options.python}; `make load` installs Locust there"
        raise DemoError(message)
    if options.ui and not is_free(options.port):
        message = f"port {options.port} is taken: name another one with --port"
        raise DemoError(message)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in (REPORT, FIGURES, STATISTICS, FILES, "logs/locust.log"):
        for file in options.out.glob(name):
            file.unlink()
    asked = DeploymentOptions(options.servers, options.kafka, options.out, options.wait_s)
    with surroundings(asked, screen) as around:
        # Signs everybody's token.
        environment = {**os.environ, "AUTH_JWT_SECRET": around.settings.auth_jwt_secret}
        with running([_locust(options, around)], environment) as [people]:
            if options.ui:
                _await_page(people, options.port)
                address = f"http://{HOST}:{options.port}"
                screen.say(f"Locust's page: {address} (each start is a day; Ctrl-C ends)")
            days = _days(people, around, options.out, screen)
            kept = [_judge(day, around, options, screen) for day in days]
    if not kept:
        message = "no day came to its end"
        raise DemoError(message)
    return all(kept)


def _locust(options: argparse.Namespace, around: Surroundings) -> Program:
    """Return Locust on the locustfile; everybody has come when half of the wait is over."""
    out = options.out.resolve()
    arguments = {
        "--locustfile": ROOT / "local/load/locustfile.py",
        "--host": around.api.url,
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
        between.wait(LOOK_S)


def _days(people: Running, around: Surroundings, folder: Path, screen: Screen) -> Iterator[Day]:
    """Yield each day once it is written down; meanwhile say what the people's process says."""
    known: set[Path] = set()
    between = threading.Event()
    with people.program.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            ended = people.exit_code is not None  # before the look: nothing comes after it
            around.check()
            for line in log:
                screen.say(line.rstrip())
            for file in sorted(set(folder.glob(FILES)) - known):
                known.add(file)
                yield Day.read(file)
            if ended:
                break
            between.wait(LOOK_S)
    if people.exit_code:
        people.check()


def _judge(day: Day, around: Surroundings, options: argparse.Namespace, screen: Screen) -> bool:
    if not day.ended:
        screen.say(f"{day.campaign_id} was stopped before everybody had left: no verdict")
        return False
    with screen.step("Verdict"):
        try:
            stands = read_stands(around, day.campaign_id, options.wait_s)
        except (pymysql.Error, RedisError) as error:
            message = f"a server went away: {type(error).__name__}: {error}"
            raise DemoError(message) from error
        findings = judge_day(day, stands)
        told = figures(day, findings)
        (options.out / FIGURES).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    screen.console.print(summary(day, findings))
    return all(finding.kept for finding in findings)
