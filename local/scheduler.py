"""EventBridge's schedules, locally: runs the service's scheduled functions every minute.

Ctrl-C or SIGTERM: the function at work is finished, exit code 0. Two schedulers at once do no
harm. One JSON line for every run goes to stderr.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from handlers.config import ConfigurationError, Settings
from handlers.relay import relay_handler
from local.lambda_context import LambdaContext
from local.log_line import log_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_MISCONFIGURED = 2
# What Lambda gives these functions; a run that takes longer would meet the next one.
TIMEOUT_S = 60.0

Job = tuple[str, "Callable[[dict[str, Any], LambdaContext], Any]"]
JOBS: tuple[Job, ...] = (("relay_handler", relay_handler),)


def run_once(jobs: Sequence[Job] = JOBS) -> bool:
    """Run every job once; return whether all went well. One that fails does not stop the others."""
    well = True
    for name, handler in jobs:
        started = time.monotonic()
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        try:
            result = handler(event, LambdaContext(name, TIMEOUT_S))
        except Exception as error:  # noqa: BLE001 - as Lambda: logged, and tried again next time
            well = False
            log_line("ERROR", "failed", job=name, error=f"{type(error).__name__}: {error}")
        else:
            took_ms = round((time.monotonic() - started) * 1000)
            log_line("INFO", "done", job=name, result=result, duration_ms=took_ms)
    return well


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 stopped, 1 --once failed, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    try:
        Settings.from_environment()
    except ConfigurationError as error:
        print(f"Wrong settings: {error}.", file=sys.stderr)
        return EXIT_MISCONFIGURED
    if options.once:
        return 0 if run_once() else 1
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    log_line("INFO", "started", jobs=[name for name, _ in JOBS], interval_s=options.interval_s)
    while not stop.is_set():
        run_once()
        if options.heartbeat:
            options.heartbeat.touch()
        stop.wait(options.interval_s)
    log_line("INFO", "stopped")
    return 0


def _interval(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 86_400:  # noqa: PLR2004 - 50 ms for tests, a day at most
        message = "must be 0.05 to 86400"
        raise argparse.ArgumentTypeError(message)
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.scheduler",
        description=__doc__,
        epilog="Settings come from the environment: see handlers/config.py.",
    )
    parser.add_argument(
        "--interval-s",
        type=_interval,
        default=60.0,
        help="seconds from the end of one round to the next (default: %(default)g)",
    )
    parser.add_argument(
        "--heartbeat", type=Path, metavar="FILE", help="touch FILE after every round"
    )
    parser.add_argument("--once", action="store_true", help="one round, then end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
