"""The command line of the lab."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.cli import integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.texts import Language

STAGE_LAST = 9
RUNS_MAX = 1000


@dataclass(frozen=True, slots=True)
class LabOptions:
    """The options of the command line."""

    stage: int | None
    mine: Path | None
    start: int | None
    runs: int
    hold: bool
    out: Path
    language: Language


def parse(arguments: Sequence[str] | None) -> LabOptions:
    """Return the options of a command line; argparse ends the program when it is wrong."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    if given["mine"] and not given["mine"].is_file():
        hint = "one to begin with: make lab START=4 > my_stage.py"
        parser.error(f"there is no file {given['mine']}; {hint}")
    if given["mine"] and given["stage"]:
        parser.error("either --stage or --mine: which one is to be judged?")
    if given["hold"] and not (given["stage"] or given["mine"]):
        parser.error("--hold needs --stage or --mine: whose servers?")
    korean = given.pop("ko") or os.environ.get("LANG", "").startswith("ko")
    return LabOptions(**given, language="ko" if korean else "en")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="Nine stages of one coupon system, each judged on real servers under faults.",
        epilog="Exit code: 0 every stage broke and kept what its page says, or your file kept each "
        "promise; 1 it did not, or the lab could not be run; 2 wrong options; 130 Ctrl-C.",
    )
    add = parser.add_argument
    number = integer(1, STAGE_LAST)
    add("--stage", type=number, metavar="N", help="one stage, 1 to 9 (default: all)")
    add("--mine", type=Path, metavar="FILE", help="your own stage, which should keep every promise")
    add("--start", type=number, metavar="N", help="print stage N, to begin your own file with")
    add("--runs", type=integer(1, RUNS_MAX), default=1, metavar="N", help="so many times in turn")
    add("--hold", action="store_true", help="keep the servers of the stage running until Ctrl-C")
    add("--ko", action="store_true", help="Korean (default: where LANG says so)")
    add("--out", type=Path, default=Path("out/lab"), metavar="FOLDER",
        help="for what was recorded (default: %(default)s)")  # fmt: skip
    return parser
