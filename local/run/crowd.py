"""A crowd that waits for a campaign's opening, applies at once, and checks every promise.

`python -m local.run` starts it as a process of its own, so that neither waits for the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.config import Settings
from local.cli import campaign_id, decimal, integer, port
from local.demo.metrics import metrics
from local.demo.observe import Crowd, observe
from local.demo.options import USERS_MAX, WAIT_S_MAX, WAIT_S_MIN
from local.demo.requests import requests
from local.harness.api_client import Api
from local.harness.cli import run
from local.harness.console import Console
from local.harness.deployment import Deployment, relay_time_s
from local.harness.invariants import Verdict, as_json
from local.run.judge import judge
from local.servers.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.domain.campaign import Campaign, CampaignStatus
    from local.harness.signals import SignalHandler

# People who sign in get other names than these.
PREFIX = "crowd-"
PEOPLE_PER_IMPATIENT = 6
# Before the opening: enough to open 2,000 connections. The gateway closes those idle for 30 s.
COMES_BEFORE_S = 8.0
LOOK_EVERY_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 only when every promise was kept."""
    options = _parser().parse_args(arguments)
    return run("crowd", lambda signals: apply(options, signals))


def apply(options: argparse.Namespace, signals: SignalHandler) -> bool:
    """Wait, apply, check, and write the result; return whether every promise was kept."""
    settings = Settings.from_environment()
    secret, api = settings.auth_jwt_secret, Api(HOST, options.port)
    deployment = Deployment("run", api, settings, (), relay_time_s(settings))
    impatient = options.people // PEOPLE_PER_IMPATIENT
    applications = requests(options.people - impatient, impatient, secret, PREFIX)
    before, opens_at_s = _await_time_to_come(options.campaign)

    async def opening() -> None:
        await asyncio.sleep(max(0, opens_at_s - time.monotonic()))

    crowd = Crowd(options.campaign, before.quantity, applications, options.wait_s, opening)
    course, _ = observe(deployment, crowd, Console(), signals)
    judgement = judge(course.observations, before, _status(options.campaign).campaign)
    record = {
        **metrics(course),
        **as_json(judgement.results, course.lateness),
        "note": judgement.note,
    }
    options.result.write_text(f"{json.dumps(record, indent=2)}\n", encoding="utf-8")
    return record["verdict"] is not Verdict.BROKEN


def _await_time_to_come(campaign_id: str) -> tuple[Campaign, float]:
    """Return the campaign shortly before it opens, and when that is (time.monotonic()).

    The opening is by Redis's clock, and not early: the reply was under way for a while. Until now
    an administrator may have changed it.
    """
    pause = threading.Event()
    while True:
        status, now_s = _status(campaign_id), time.monotonic()
        opens_in_s = (status.campaign.opens_at_ms - status.now_ms) / 1000
        if opens_in_s <= COMES_BEFORE_S:
            return status.campaign, now_s + opens_in_s
        pause.wait(min(opens_in_s - COMES_BEFORE_S, LOOK_EVERY_S))


def _status(campaign_id: str) -> CampaignStatus:
    return wiring.redis_campaigns().status(campaign_id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.run.crowd",
        description=__doc__,
        epilog="The servers are those of the environment; the API is on this machine.",
    )
    add = parser.add_argument
    add("--campaign", type=campaign_id, required=True, metavar="ID", help="where they apply")
    add("--people", type=integer(1, USERS_MAX), required=True, metavar="N", help="how many")
    add("--port", type=port, required=True, help="of the API")
    wait = decimal(WAIT_S_MIN, WAIT_S_MAX)
    add("--wait-s", type=wait, required=True, metavar="SECONDS", help="for a response")
    add("--result", type=Path, required=True, metavar="FILE", help="the result as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
