"""Runs and measures the main job: `python -m local.demo`.

A thousand users apply at once for a hundred coupons. At the end the demo checks that exactly the
users who received ACCEPTED have exactly one row each in MySQL.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.demo.options import parse
from local.harness.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 only when every promise was kept."""
    options = parse(arguments)

    def run_demo(signals: SignalHandler) -> bool:
        # Imported here: --help need not wait for every client and the plots.
        from local.demo.run import show  # noqa: PLC0415
        from local.harness.console import Console  # noqa: PLC0415

        return show(options, Console(), signals)

    return run("demo", run_demo)


if __name__ == "__main__":
    sys.exit(main())
