"""Skip a batch of the topic that cannot be read: `python -m local.skip coupon_create-3@1234`.

The consumer and the rebuild stop before such a batch, name its place, and store its bytes in
failed_event with the reason UNREADABLE. This decides that they pass it; the row stays as the trace.
Admissions of that batch that Redis still has as pending are sent again by the relay.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.config import ConfigurationError
from handlers.domain.errors import ServiceError
from handlers.domain.fence import Position
from local.cli import EXIT_MISCONFIGURED, end

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_FAILED = 1
PLACE = re.compile(r"([A-Za-z0-9._-]{1,249})-([0-9]{1,9})@([0-9]{1,18})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 skipped, 1 not, 2 wrong settings or arguments."""
    position: Position = _parser().parse_args(arguments).place
    place = f"{position.topic}-{position.partition}@{position.offset}"
    try:
        is_skipped = wiring.unreadable_batches().skip(position)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except ServiceError as error:
        return end(f"Not skipped: {error}", EXIT_FAILED)
    if not is_skipped:
        message = (
            f"Not skipped: no unreadable batch waits at {place}. "
            "GET /failed-events?reason=UNREADABLE lists those that were met."
        )
        return end(message, EXIT_FAILED)
    print(f"{place} will be passed: by the consumer within half a minute, by the next rebuild.")
    return 0


def _place(text: str) -> Position:
    found = PLACE.fullmatch(text)
    if not found:
        message = "not a place: topic-partition@offset, as the log names it"
        raise argparse.ArgumentTypeError(message)
    topic, partition, offset = found.groups()
    return Position(topic, int(partition), int(offset))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.skip",
        description=__doc__,
        epilog="Exit code: 0 it will be passed, 1 not (no such batch, or MySQL is unreachable), 2 "
        "wrong settings or arguments. Settings come from the environment.",
    )
    parser.add_argument("place", type=_place, metavar="TOPIC-PARTITION@OFFSET")
    return parser


if __name__ == "__main__":
    sys.exit(main())
