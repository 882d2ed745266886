"""A local EventBridge scheduler: runs the service's scheduled functions, each at its interval.

The functions do not wait for each other. Ctrl-C or SIGTERM: running functions finish, exit code 0.
Two schedulers at once do no harm. A run that did something, or that failed, writes a JSON line to
stderr.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from handlers import trace_clients
from handlers.domain import metrics
from handlers.domain.errors import ServiceError
from handlers.log import error_fields
from handlers.privacy import privacy_handler
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from handlers.relay import relay_handler
from handlers.shared_state import measure_handler
from handlers.webhook_sender import webhook_sender_handler
from local.cli import EXIT_MISCONFIGURED, decimal, end, misconfigured
from local.json_log import configure_json_logging, log_event
from local.lambda_context import LambdaContext
from local.metrics.options import add_metrics_options, metrics_address
from local.metrics.server import MetricsPortError, serving
from local.metrics.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The Lambda timeout of these functions; a longer run would overlap with the next one.
TIMEOUT_S = 60.0
# Of the rebuild: the backlog of a topic takes as long as it takes, and nothing kills it here.
REBUILD_TIMEOUT_S = 86_400.0
# Of what all processes share: as often as Prometheus reads it. It costs some milliseconds of each
# server, and a connection to Kafka.
MEASURE_INTERVAL_S = 5.0
EXIT_NO_PORT = 1
INTERVAL_S_MIN, INTERVAL_S_MAX = 0.05, 86_400  # 50 ms for tests, a day at most


@dataclass
class Job:
    """A scheduled function, its interval, and when it last showed that it does not hang.

    seen_at: when it last ended, or asked how much time it has left (time.time(), 0: never). A
    function asks between two steps, so that a long one is seen as long as it makes progress.
    """

    name: str
    handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]]
    interval_s: float
    seen_at: float = 0.0
    timeout_s: float = TIMEOUT_S

    def run_once(self) -> bool:
        """Run it; return whether it succeeded. As in Lambda, a failure is only logged."""
        started = time.monotonic()
        event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        try:
            result = self.handler(event, _WatchedContext(self))
        except Exception as error:  # noqa: BLE001 - the next interval tries again
            # Only the text of the service's own errors; a driver's text may quote its input.
            detail = {"detail": str(error)} if isinstance(error, ServiceError) else {}
            log_event("ERROR", "failed", job=self.name, **(error_fields(error) | detail))
            metrics.JOBS.inc((self.name, "failed"))
            return False
        finally:
            self.seen_at = time.time()
            metrics.JOB_SECONDS.observe((self.name,), time.monotonic() - started)
        metrics.JOBS.inc((self.name, "succeeded"))
        if any(result.values()):
            took_ms = round((time.monotonic() - started) * 1000)
            log_event("INFO", "done", job=self.name, result=result, duration_ms=took_ms)
        return True


class _WatchedContext(LambdaContext):
    """Notes when the function asks for its time."""

    __slots__ = ("_job",)

    def __init__(self, job: Job) -> None:
        super().__init__(job.name, job.timeout_s)
        self._job = job

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left, at least 0."""
        self._job.seen_at = time.time()
        return super().get_remaining_time_in_millis()


def jobs(interval_s: float, rebuild_interval_s: float, webhook_interval_s: float) -> list[Job]:
    """Return all scheduled functions."""
    return [
        Job("rebuild_handler", rebuild_handler, rebuild_interval_s, timeout_s=REBUILD_TIMEOUT_S),
        Job("relay_handler", relay_handler, interval_s),
        Job("redrive_handler", redrive_handler, interval_s),
        Job("privacy_handler", privacy_handler, interval_s),
        Job("webhook_sender_handler", webhook_sender_handler, webhook_interval_s),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code.

    0: stopped. 1: --once failed, or the port for metrics cannot be had. 2: wrong settings.
    """
    options = _parser().parse_args(arguments)
    if wrong := misconfigured():
        return end(wrong, EXIT_MISCONFIGURED)
    configure_json_logging()
    trace_clients.start()
    all_jobs = jobs(options.interval_s, options.rebuild_interval_s, options.webhook_interval_s)
    try:
        with serving(metrics_address(options), snapshot) as shown:
            if shown:
                metrics.switch_on()
                all_jobs.append(Job("measure_handler", measure_handler, MEASURE_INTERVAL_S))
                shown.start()
            return _run(options, all_jobs)
    except MetricsPortError as error:
        return end(str(error), EXIT_NO_PORT)


def _run(options: argparse.Namespace, all_jobs: Sequence[Job]) -> int:
    if options.once:
        failed = [job.name for job in all_jobs if not job.run_once()]
        return 1 if failed else 0
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    log_event("INFO", "started", jobs={job.name: job.interval_s for job in all_jobs})
    run(all_jobs, stop, options.heartbeat)
    log_event("INFO", "stopped")
    return 0


def run(all_jobs: Sequence[Job], stop: Event, heartbeat: Path | None = None) -> None:
    """Run each job at its interval until `stop`: a slow relay must not delay the rebuild."""
    threads = [Thread(target=_repeat, args=(job, all_jobs, stop, heartbeat)) for job in all_jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _repeat(job: Job, all_jobs: Sequence[Job], stop: Event, heartbeat: Path | None) -> None:
    while not stop.is_set():
        job.run_once()
        if heartbeat:
            _beat(all_jobs, heartbeat)
        stop.wait(job.interval_s)


def _beat(all_jobs: Sequence[Job], heartbeat: Path) -> None:
    """Set the file's time to the job that was seen longest ago, which shows a job that hangs."""
    oldest = min(job.seen_at for job in all_jobs)
    if oldest:
        heartbeat.touch()
        os.utime(heartbeat, (oldest, oldest))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.scheduler",
        description=__doc__,
        epilog="Settings come from the environment: see handlers/config.py.",
    )
    parser.add_argument(
        "--interval-s",
        type=decimal(INTERVAL_S_MIN, INTERVAL_S_MAX),
        default=60.0,
        help="seconds from one run of the relay or the redrive to the next (default: %(default)g)",
    )
    parser.add_argument(
        "--rebuild-interval-s",
        type=decimal(INTERVAL_S_MIN, INTERVAL_S_MAX),
        default=1.0,
        help="the same for the check whether Redis must be rebuilt (default: %(default)g)",
    )
    parser.add_argument(
        "--webhook-interval-s",
        type=decimal(INTERVAL_S_MIN, INTERVAL_S_MAX),
        default=1.0,
        help="the same for what is to be sent to webhooks (default: %(default)g)",
    )
    parser.add_argument(
        "--heartbeat", type=Path, metavar="FILE", help="date FILE to the job seen longest ago"
    )
    parser.add_argument("--once", action="store_true", help="each function once, then end")
    add_metrics_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
