"""Write the description of the HTTP interface (OpenAPI 3.1): `python -m local.openapi`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.api.document import document
from local.cli import end

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = Path("docs") / "openapi.json"
EXIT_DIFFERENT = 1
EXIT_NOT_WRITTEN = 1


def text() -> str:
    """Return the document as it is kept in the repository: lines that a diff can show."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    options = _parser().parse_args(arguments)
    out: Path = options.out
    try:
        if options.check:
            return _check(out)
        if str(out) == "-":
            sys.stdout.write(text())
        else:
            out.write_text(text(), encoding="utf-8")
    except OSError as error:
        return end(f"{out}: {error.strerror or error}.", EXIT_NOT_WRITTEN)
    return 0


def _check(out: Path) -> int:
    if out.read_text(encoding="utf-8") == text():
        return 0
    return end(f"{out} is not what the routes say: make openapi writes it.", EXIT_DIFFERENT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.openapi",
        description="Write the description of the HTTP interface, in OpenAPI 3.1.",
        epilog="Exit code 1: the file could not be written, or with --check is another one.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=DEFAULT, help="the file; -: standard output")
    parser.add_argument("--check", action="store_true", help="compare the file, write nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
