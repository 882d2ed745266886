"""Write all winners of a campaign as CSV, by serial: `python -m local.export welcome -o w.csv`."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING

from handlers import wiring
from handlers.config import ConfigurationError
from handlers.coupons import LIMIT_MAX, write_csv
from handlers.domain.errors import ServiceError
from local.cli import EXIT_MISCONFIGURED, campaign_id, end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.adapters.mysql.queries import Coupon

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 written, 1 not written, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    try:
        count = _export(options.campaign, options.output)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except (ServiceError, OSError) as error:
        return end(f"\nNothing is written: {error}.", EXIT_FAILED)
    except KeyboardInterrupt:
        return end("\nInterrupted: nothing is written.", EXIT_INTERRUPTED)
    return end(f"\r{count} coupons of {options.campaign} written", 0)


def _export(campaign_id: str, output: Path | None) -> int:
    if output is None:
        return _write(sys.stdout, campaign_id)
    if output.exists() and not output.is_file():
        message = f"{output} is not a file"
        raise FileExistsError(message)
    with ExitStack() as stack:
        # Under another name until it is complete: half a list must not look like a whole one. Only
        # its owner may read it (0600), from the first byte on: it has every winner's code.
        number, name = mkstemp(prefix=f".{output.name}.", dir=output.parent)
        unfinished = Path(name)
        stack.callback(unfinished.unlink, missing_ok=True)
        with open(number, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - it is open
            count = _write(file, campaign_id)
            file.flush()
            os.fsync(number)  # a machine that dies behind the rename must not leave an empty file
        unfinished.replace(output)
        return count


def _write(file: IO[str], campaign_id: str) -> int:
    count = 0
    for page in _pages(campaign_id):
        write_csv(file, page, header=count == 0)
        count += len(page)
        print(f"\r{count} coupons", end="", file=sys.stderr, flush=True)
    if not count:
        write_csv(file, [], header=True)
    return count


def _pages(campaign_id: str) -> Iterator[Sequence[Coupon]]:
    """Yield pages, each read in its own transaction; a coupon never changes."""
    queries, after = wiring.mysql_queries(), 0
    while page := queries.coupons(campaign_id, after, LIMIT_MAX):
        yield page
        after = page[-1].serial


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.export",
        description="Write all winners of a campaign as CSV, by serial, straight from MySQL.",
        epilog="Settings come from the environment. Coupons issued meanwhile may be missing. For"
        " spreadsheets, an id that begins with one of = + - @ ' has an apostrophe before it, and"
        " another is behind each semicolon; a program that reads the file removes these.",
    )
    parser.add_argument("campaign", type=campaign_id, help="id of the campaign")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="file to write, which only its owner may read, whatever it was before"
        " (default: stdout)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
