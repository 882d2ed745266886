"""The command line of `python -m local.run`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.domain.campaign import QUANTITY_MAX
from local.cli import add_kafka, campaign_id, decimal, integer, port_or_zero
from local.demo.options import USERS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.deployment import Servers
    from local.servers.embedded import KafkaKind

PORT = 8000
# Enough to open the page and to sign in.
OPENS_IN_S = 30.0
DAY_S = 86_400.0
YEAR_S = 365 * DAY_S
RUN_S_MIN = 1.0
EPILOG = """Exit code: 0 after Ctrl-C or --for, 1 when a program died, a port is taken or a promise
was broken, 2 for wrong options, 130 after Ctrl-C before it was ready."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of the command line; run_s: how long to run, None until Ctrl-C."""

    people: int
    campaign: str
    quantity: int
    opens_in_s: float
    open_for_s: float
    run_s: float | None
    port: int
    servers: Servers
    kafka: KafkaKind
    out: Path


def parse(arguments: Sequence[str] | None) -> RunOptions:
    """Return the options of a command line; argparse ends the program when it is wrong."""
    return RunOptions(**vars(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.run",
        description="Run everything on this machine: servers, gateway, two consumers, scheduler, "
        "and a campaign that opens soon. Prints the addresses of its page and of the console, and "
        "one line a second of what happens. Ctrl-C ends all of it and removes its data.",
        epilog=EPILOG,
    )
    _add_campaign(parser)
    add = parser.add_argument
    add(
        "--people",
        type=integer(0, USERS_MAX),
        default=0,
        metavar="N",
        help="so many apply with you at the opening, a sixth of them five times; then the summary "
        "says whether every promise was kept (default: %(default)s)",
    )
    add(
        "--for",
        dest="run_s",
        type=decimal(RUN_S_MIN, YEAR_S),
        metavar="SECONDS",
        help="end after this time, with --people not before the summary (default: Ctrl-C)",
    )
    add(
        "--port",
        type=port_or_zero,
        default=PORT,
        help="of pages and API; 0: a free one (default: %(default)s)",
    )
    add(
        "--servers",
        choices=("embedded", "env"),
        default="auto",
        help="embedded: servers without Docker; env: those of REDIS_URL, KAFKA_BOOTSTRAP_SERVERS "
        "and DATABASE_URL, which keep the data (default: env where these are set, else embedded)",
    )
    add_kafka(parser)
    add(
        "--out",
        type=Path,
        default=Path("out/run"),
        metavar="FOLDER",
        help="for logs and for the summary as JSON (default: %(default)s)",
    )
    return parser


def _add_campaign(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the campaign").add_argument
    add(
        "--id",
        dest="campaign",
        type=campaign_id,
        default="welcome",
        metavar="ID",
        help="its id; something is added where a campaign has it (default: %(default)s)",
    )
    add(
        "--quantity",
        type=integer(1, QUANTITY_MAX),
        default=100,
        metavar="N",
        help="its coupons (default: %(default)s)",
    )
    add(
        "--opens-in",
        dest="opens_in_s",
        type=decimal(0, YEAR_S),
        default=OPENS_IN_S,
        metavar="SECONDS",
        help="once all is ready (default: %(default)g)",
    )
    add(
        "--open-for",
        dest="open_for_s",
        type=decimal(1, YEAR_S),
        default=DAY_S,
        metavar="SECONDS",
        help="from the opening to the end (default: %(default)g, a day)",
    )
