"""Rebuild a Redis that restarted or lost its state, from MySQL and Kafka; open its campaigns again.

The scheduler does this within seconds; use this program to do it at once, or without a scheduler.
Harmless at any time: if Redis lost nothing, it changes nothing.
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
# One rebuild takes KAFKA_ACK_TIMEOUT_MS, half a second, and the time to read the data.
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
    """Return the campaigns that were opened; wait for a rebuild that runs in another process.

    Raises ConfigurationError for wrong settings, TimeoutError when that rebuild takes longer than
    `wait_s`, ServiceError when a server is unreachable.
    """
    wiring.settings()  # reports wrong settings before the program does anything
    deadline = time.monotonic() + wait_s
    print("Checking whether Redis has lost anything …", file=sys.stderr, flush=True)
    reported = False
    while (result := rebuild_handler({}, None)).get("running"):
        if not reported:
            print("A rebuild is running elsewhere; waiting for its end …", file=sys.stderr)
            reported = True
        if time.monotonic() > deadline:
            message = f"another rebuild is still running after {wait_s:g} s"
            raise TimeoutError(message)
        time.sleep(POLL_INTERVAL_S)
    return list(result["rebuilt"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.rebuild",
        description=__doc__,
        epilog="Exit code: 0 everything is open, 1 not (a server is unreachable), 2 wrong "
        "settings or arguments. Settings come from the environment.",
    )
    parser.add_argument(
        "--wait",
        type=decimal(0, WAIT_S_MAX),
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for a rebuild that runs elsewhere (default: %(default)g)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
