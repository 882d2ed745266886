"""The command line of `python -m infra.cost`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.domain.campaign import QUANTITY_MAX
from infra.cost import catalogue
from infra.cost.workload import Door, Workload
from local.cli import decimal, integer

if TYPE_CHECKING:
    from collections.abc import Sequence

APPLICANTS_MAX = 10_000_000_000  # more than the world's population
MINUTES_MAX = 7 * 24 * 60  # a week: a rush does not last longer
MINUTES_MIN = 1 / 60  # the busiest second is the shortest unit
PRESSES_MAX = 1_000
POLLS_MAX = 1_000
LOOKS_MAX = 100_000
PROVISIONED_MAX = 1_000_000
PEAK_MAX = 100
HOURS_MAX = 24 * 366
THROTTLE_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CostOptions:
    """The parsed arguments."""

    workload: Workload
    json: bool
    compare: bool


def parse(arguments: Sequence[str] | None) -> CostOptions:
    """Return the arguments; exit with 2 and a sentence where they are invalid."""
    values = vars(_parser().parse_args(arguments))
    json, compare = values.pop("json"), values.pop("compare")
    return CostOptions(Workload(**values), json, compare)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.cost",
        description=(
            "What one sale needs on AWS, what it costs, and which limit breaks first "
            "(docs/scale.md)."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    _add_sale(parser)
    _add_environment(parser)
    return parser


def _add_sale(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the sale").add_argument
    add("--applicants", type=integer(1, APPLICANTS_MAX), required=True, help="users who apply")
    add(
        "--minutes",
        type=decimal(MINUTES_MIN, MINUTES_MAX),
        required=True,
        help="how long they come for",
    )
    add("--quantity", type=integer(1, QUANTITY_MAX), required=True, help="coupons")
    add(
        "--presses",
        type=decimal(1, PRESSES_MAX),
        default=Workload.presses,
        help="requests to apply per user",
    )
    add(
        "--polls",
        type=integer(0, POLLS_MAX),
        default=Workload.polls,
        help="how often a winner asks for the coupon, once a second",
    )
    add(
        "--looks",
        type=integer(0, LOOKS_MAX),
        default=Workload.looks,
        help="how often a user's waiting page asks for the campaign before the opening",
    )
    add(
        "--peak",
        type=decimal(1, PEAK_MAX),
        default=Workload.peak,
        help="requests a second at the opening over the mean; from there they fall exponentially",
    )


def _add_environment(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("where it runs").add_argument
    add(
        "--door",
        type=Door,
        choices=list(Door),
        default=Workload.door,
        help="API Gateway and Lambda, CloudFront before them, or ALB and Fargate (containers)",
    )
    add("--compare", action="store_true", help="print the cost through each door instead")
    add(
        "--provisioned",
        type=integer(0, PROVISIONED_MAX),
        default=Workload.provisioned,
        help="environments of Lambda that are kept ready around the opening",
    )
    add(
        "--throttle",
        type=integer(1, THROTTLE_MAX),
        help="requests a second that the door lets in; the others get 429 or 503 and come again",
    )
    add("--region", choices=catalogue.regions(), default=Workload.region, help="region of prices")
    add("--size", choices=catalogue.sizes(), default=Workload.size, help="Size of the templates")
    add(
        "--architecture",
        choices=["x86_64", "arm64"],
        default=Workload.architecture,
        help="of Lambda and Fargate",
    )
    add(
        "--hours",
        type=decimal(0, HOURS_MAX),
        default=Workload.hours,
        help="how long servers of this size run",
    )
    add("--bot-control", action="store_true", help="with AWS's managed rules against bots")
    add(
        "--durable-redis",
        action="store_true",
        help="with the Valkey of infra/durable-valkey.yaml, which answers when a log has the write",
    )
    add("--json", action="store_true", help="print JSON")
