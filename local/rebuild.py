"""Rebuild a Redis that restarted or lost its state, from MySQL and Kafka; open its campaigns again.

The scheduler does it by itself within seconds; this hurries, or does it where no scheduler runs.
Harmless at any time: where nothing was lost, nothing is touched.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.config import ConfigurationError
from handlers.domain.errors import ServiceError
from handlers.rebuild import rebuild_handler
from local.cli import EXIT_MISCONFIGURED, decimal, end

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CLOSED, EXIT_INTERRUPTED = 1, 130
# One rebuild takes KAFKA_ACK_TIMEOUT_MS, half a second, and what there is to read.
WAIT_S, WAIT_S_MAX = 60.0, 86_400
POLL_INTERVAL_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 all open, 1 still closed, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    try:
        rebuilt = rebuild(options.wait)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    except (ServiceError, TimeoutError) as error:
        return end(f"Not opened: {error}", EXIT_CLOSED)
    except KeyboardInterrupt:
        return end("Interrupted: what was not opened stays closed.", EXIT_INTERRUPTED)
    print(f"Opened again: {', '.join(rebuilt)}." if rebuilt else "Everything is open.")
    return 0


def rebuild(wait_s: float) -> list[str]:
    """Return the campaigns that were opened; wait for a rebuild that is at work elsewhere.

    Raises ConfigurationError for wrong settings, TimeoutError when that one takes longer than
    `wait_s`, ServiceError when a server is out of reach.
    """
    wiring.settings()  # what is wrong with them is told before anything is looked at
    deadline = time.monotonic() + wait_s
    print("Looking whether Redis has lost anything …", file=sys.stderr, flush=True)
    told = False
    while (result := rebuild_handler({}, None)).get("running"):
        if not told:
            print("A rebuild is at work elsewhere; waiting for its end …", file=sys.stderr)
            told = True
        if time.monotonic() > deadline:
            message = f"another rebuild is still at work after {wait_s:g} s"
            raise TimeoutError(message)
        time.sleep(POLL_INTERVAL_S)
    return list(result["rebuilt"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.rebuild",
        description=__doc__,
        epilog="Exit code: 0 everything is open, 1 not (a server is out of reach), 2 wrong "
        "settings or arguments. Settings come from the environment.",
    )
    parser.add_argument(
        "--wait",
        type=decimal(0, WAIT_S_MAX),
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for a rebuild that is at work elsewhere (default: %(default)g)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
