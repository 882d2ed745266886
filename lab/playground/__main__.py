"""Write the playground: `python -m lab.playground`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.playground.page import write_page

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = Path("out/lab")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.playground", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder of play.html (out/lab)")
    path = write_page(parser.parse_args(arguments).out)
    sys.stdout.write(f"{path}: open it in a browser\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
