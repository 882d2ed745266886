"""Write a campaign's coupons or events as CSV: `python -m local.export welcome -o w.csv`."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING

from handlers import operations
from handlers.config import ConfigurationError
from handlers.coupons import LIMIT_MAX, write_csv
from handlers.domain.errors import ServiceError
from handlers.domain.event_position import FIRST
from handlers.domain.spreadsheet import text_cell
from handlers.events import event_json
from local.cli import EXIT_MISCONFIGURED, campaign_id, end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.adapters.mysql.coupon_list import ListedCoupon
    from handlers.adapters.mysql.event_list import ListedEvent

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130
EVENT_COLUMNS = ("at", "kind", "serial", "actor", "order_id", "reason", "detail", "id")
EVENTS_AT_ONCE = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 written, 1 not written, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    what = "events" if options.events else "coupons"
    try:
        count = _export(options.campaign, options.output, what)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except (ServiceError, OSError) as error:
        return end(f"\nNothing is written: {error}.", EXIT_FAILED)
    except KeyboardInterrupt:
        return end("\nInterrupted: nothing is written.", EXIT_INTERRUPTED)
    return end(f"\r{count} {what} of {options.campaign} written", 0)


def _export(campaign_id: str, output: Path | None, what: str) -> int:
    if output is None:
        return _write(sys.stdout, campaign_id, what)
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
            count = _write(file, campaign_id, what)
            file.flush()
            os.fsync(number)  # a machine that dies behind the rename must not leave an empty file
        unfinished.replace(output)
        return count


def _write(file: IO[str], campaign_id: str, what: str) -> int:
    counts = _events(file, campaign_id) if what == "events" else _coupons(file, campaign_id)
    count = 0
    for written in counts:
        count += written
        print(f"\r{count} {what}", end="", file=sys.stderr, flush=True)
    return count


def _coupons(file: IO[str], campaign_id: str) -> Iterator[int]:
    """Write all coupons; yield how many each page has."""
    is_first = True
    for page in _pages(campaign_id):
        write_csv(file, page, header=is_first)
        is_first = False
        yield len(page)
    if is_first:
        write_csv(file, [], header=True)


def _pages(campaign_id: str) -> Iterator[Sequence[ListedCoupon]]:
    """Yield pages, each read in its own transaction: the states are those of that moment."""
    coupons, after = operations.coupon_list(), 0
    while page := coupons.page(campaign_id, after, LIMIT_MAX):
        yield page
        after = page[-1].serial


def _events(file: IO[str], campaign_id: str) -> Iterator[int]:
    """Write all events that are committed, in order; yield how many each page has."""
    events, after = operations.event_list(), FIRST
    writer = csv.writer(file)
    writer.writerow(EVENT_COLUMNS)
    while True:
        page = events.page(campaign_id, after, EVENTS_AT_ONCE)
        # The recent ones as well, of which there may be more than a page has room for.
        found = [*page.settled, *page.recent]
        writer.writerows(map(_event_cells, found))
        yield len(found)
        if len(found) < EVENTS_AT_ONCE:
            return
        after = found[-1].position


def _event_cells(event: ListedEvent) -> list[object]:
    """Return a line. Actor, order, reason and detail are texts of others."""
    detail = json.dumps(event.detail, ensure_ascii=False) if event.detail else ""
    cells = event_json(event) | {"detail": detail}
    texts = {
        name: text_cell(cells[name] or "") for name in ("actor", "order_id", "reason", "detail")
    }
    cells |= texts
    return [cells[name] for name in EVENT_COLUMNS]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.export",
        description="Write all coupons of a campaign with their states as CSV, by serial, or its "
        "events in order, straight from MySQL.",
        epilog="Settings come from the environment. What is issued or changed meanwhile may be"
        " missing. For spreadsheets, a text that begins with one of = + - @ ' has an apostrophe"
        " before it, and another is behind each semicolon; a program that reads the file removes"
        " these.",
    )
    parser.add_argument("campaign", type=campaign_id, help="id of the campaign")
    parser.add_argument(
        "--events",
        action="store_true",
        help="what happened to the campaign and to each coupon, in place of the coupons",
    )
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
