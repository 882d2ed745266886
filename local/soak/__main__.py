"""A long steady load on the whole system: `python -m local.soak`.

Embedded servers, gateway, scheduler and two poll runners under applications, bursts, retries,
polling, statistics, hang-ups and bad input. At the end everything is reconciled.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local.cli import add_kafka, decimal
from local.harness.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler

MINUTES_MIN, MINUTES_MAX = 0.5, 24 * 60
RATE_MAX = 2000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 only when all is well."""
    options = _parser().parse_args(arguments)

    def run_soak(_: SignalHandler) -> bool:
        # Not above: --help need not wait for every client and the plots.
        from local.harness.console import Console  # noqa: PLC0415
        from local.soak.run import soak  # noqa: PLC0415

        return soak(options, Console())

    return run("soak", run_soak)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.soak",
        description="Keep the whole system under a steady mixed load and watch its size (Linux).",
        epilog="Exit code: 0 all is well; 1 memory, threads or files of a program grew (the "
        "straight line through the samples after the warm-up, a quarter of the run and at least "
        "20 s, rises by more than 8 MiB, 4 threads or 8 files), Redis grew by more than its "
        "coupons explain, an answer was none of those expected, or reconciling found something; "
        "2 wrong options, 130 Ctrl-C.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--minutes",
        type=decimal(MINUTES_MIN, MINUTES_MAX),
        default=10.0,
        help="how long the load lasts",
    )
    add(
        "--rate", type=decimal(1, RATE_MAX), default=80.0, help="calls a second, besides the bursts"
    )
    add_kafka(parser)
    add("--out", type=Path, default=Path("out/soak"), help="folder for plot, metrics and logs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
