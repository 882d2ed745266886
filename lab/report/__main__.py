"""Writes the report again from the records of the lab: `python -m lab.report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.report.page import write
from local.harness.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.report",
        description="Writes index.html from what `make lab` recorded.",
        epilog="Exit code: 0 written; 1 nothing is recorded, or a file is no record; 2 options.",
    )
    parser.add_argument("--out", type=Path, default=Path("out/lab"), metavar="FOLDER",
        help="the folder of the records (default: %(default)s)")  # fmt: skip
    folder = parser.parse_args(arguments).out

    def show(_: SignalHandler) -> bool:
        sys.stdout.write(f"{write(folder)}\n")
        return True

    return run("lab.report", show)


if __name__ == "__main__":
    sys.exit(main())
