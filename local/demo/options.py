"""The command line of the demo."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.domain.campaign import QUANTITY_MAX
from local.cli import add_kafka, decimal, integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.deployment import Servers
    from local.servers.embedded import KafkaKind

# The most users that one process can simulate: each request is a task and a token of 0.5 KB.
USERS_MAX = 50_000
# Without --impatient, there is one impatient user for this many others: 200 for 1,000.
USERS_PER_IMPATIENT = 5
WAIT_S = 30.0
WAIT_S_MIN, WAIT_S_MAX = 0.001, 3600


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

    users: int
    impatient: int
    quantity: int
    servers: Servers
    kafka: KafkaKind
    out: Path
    wait_s: float


def parse(arguments: Sequence[str] | None) -> Options:
    """Return the options of a command line; argparse ends the program when it is wrong."""
    given = vars(_parser().parse_args(arguments))
    if given["impatient"] is None:
        given["impatient"] = given["users"] // USERS_PER_IMPATIENT
    return Options(**given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description="Many users want a few coupons at the same time: the main job, measured.",
        epilog="Exit code: 0 every promise was kept (in time, or late: the verdict says so), "
        "1 one was broken (the differences are named) or the demo could not be run, "
        "2 wrong options, 130 Ctrl-C. Everything that was started is stopped at the end.",
    )
    add = parser.add_argument
    add(
        "--users",
        type=integer(1, USERS_MAX),
        default=1000,
        metavar="N",
        help="different users who apply once, all at once (default: %(default)s)",
    )
    add(
        "--impatient",
        type=integer(0, USERS_MAX),
        metavar="N",
        help="further users, who apply five times (default: a fifth of --users)",
    )
    add(
        "--quantity",
        type=integer(1, QUANTITY_MAX),
        default=100,
        metavar="N",
        help="coupons of the campaign (default: %(default)s)",
    )
    add(
        "--servers",
        choices=("compose", "embedded", "env"),
        default="auto",
        help="compose: the running containers of `make up`, nothing is started; embedded: "
        "servers without Docker; env: those of REDIS_URL, KAFKA_BOOTSTRAP_SERVERS and "
        "DATABASE_URL (default: env where these are set, else embedded)",
    )
    add_kafka(parser)
    add(
        "--out",
        type=Path,
        default=Path("out/demo"),
        metavar="FOLDER",
        help="for plot, metrics, responses and logs (default: %(default)s)",
    )
    add(
        "--wait-s",
        type=decimal(WAIT_S_MIN, WAIT_S_MAX),
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for servers and for responses, and when rows are late: for those it "
        "waits as long as some arrive or the relay may act (default: %(default)g)",
    )
    return parser
