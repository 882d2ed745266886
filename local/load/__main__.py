"""A promotion with simulated users who behave like real ones: `python -m local.load`.

They poll the campaign's page, apply at the opening, retry, and wait for their code. Servers and
programs are started where the settings name none. At the end all invariants are checked.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.domain.campaign import QUANTITY_MAX
from local.cli import add_kafka, decimal, integer, port
from local.harness.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler

# As many users as one Locust process can run on a machine that does little else.
USERS_MAX = 10_000
COUNTDOWN_S_MAX = 3600
WAIT_S_MAX = 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 only when every promise was kept."""
    options = _parser().parse_args(arguments)

    def run_load(_: SignalHandler) -> bool:
        # Not above: --help need not wait for every client and the plots.
        from local.harness.console import Console  # noqa: PLC0415
        from local.load.run import run  # noqa: PLC0415

        return run(options, Console())

    return run("load", run_load)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.load",
        description="A promotion: countdown, burst at the opening, retries, waiting.",
        epilog="Exit code: 0 every promise was kept (in time, or late: the verdict says so) and no "
        "response was wrong, 1 not (the differences are named), 2 wrong options, 130 Ctrl-C. "
        "Everything that was started is stopped at the end.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--users", type=integer(1, USERS_MAX), default=1000, help="users")
    add("--quantity", type=integer(1, QUANTITY_MAX), default=100, help="coupons")
    countdown = "seconds until the opening; all users come within the first half"
    add("--countdown", type=decimal(1, COUNTDOWN_S_MAX), default=30.0, help=countdown)
    hang_ups = "percent of users who lose the connection while they apply, and retry"
    add("--hang-ups", type=decimal(0, 100), default=2.0, help=hang_ups)
    servers = "of the settings, or embedded (auto: the settings' where they name them)"
    add("--servers", choices=("auto", "compose", "embedded", "env"), default="auto", help=servers)
    add_kafka(parser)
    wait = (
        "how long to wait for servers, and from the opening to the last response; then a code is "
    )
    wait += "late, and waited for as long as some arrive or the relay may act"
    add("--wait-s", type=decimal(1, WAIT_S_MAX), default=60.0, help=wait)
    add("--out", type=Path, default=Path("out/load"), help="folder for report, metrics and logs")
    add("--ui", action="store_true", help="open Locust's page in place of a headless run")
    add("--port", type=port, default=8089, help="of Locust's page")
    python = "the interpreter that has Locust"
    add("--python", type=Path, default=Path(".venv-load/bin/python"), help=python)
    return parser


if __name__ == "__main__":
    sys.exit(main())
