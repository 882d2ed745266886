"""Write the playground: `python -m lab.playground`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.playground.page import page

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = Path("out/lab")


def write(folder: Path) -> Path:
    """Write play.html into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "play.html"
    path.write_text(page(), encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.playground", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder of play.html (out/lab)")
    path = write(parser.parse_args(arguments).out)
    sys.stdout.write(f"{path}: open it in a browser\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
