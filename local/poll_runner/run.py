"""Lambda's event source mapping for Kafka, locally: `python -m local.poll_runner`.

Polls the coupon topic in the consumer group, and calls the consumer's handler with exactly the
event that Lambda would send. Ctrl-C or SIGTERM: the runner finishes and commits the current batch
and leaves the group; exit code 0. It writes one JSON line for every batch to stderr.
"""

from __future__ import annotations

import argparse
import logging
import pkgutil
import signal
from typing import TYPE_CHECKING

from handlers import trace_clients, wiring
from handlers.config import Settings
from local.cli import EXIT_MISCONFIGURED, end, integer, misconfigured
from local.json_log import configure_json_logging, log_event
from local.metrics.options import add_metrics_options, metrics_address
from local.metrics.reporter import Reporter
from local.metrics.server import MetricsPortError, serving_workers
from local.poll_runner.consumer import FATAL_ERRORS, build_consumer
from local.poll_runner.event import EventSource
from local.poll_runner.loop import PollRunner
from local.poll_runner.options import PollOptions
from local.poll_runner.workers import Workers
from local.worker_process import freeze_gc

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_REJECTED = 1
# Lambda's own limits.
BATCH_SIZE_MAX = 10_000
BATCH_WINDOW_MS_MAX = 300_000
TIMEOUT_S_MAX = 900
# Kafka's own minimum; below it brokers reject a member.
SESSION_TIMEOUT_MS_MIN = 6_000
# Processes beyond the number of partitions would be idle.
PROCESSES_MAX = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 stopped, 1 Kafka refuses, 2 wrong settings."""
    options = _parser().parse_args(arguments)
    if wrong := misconfigured(options.handler):
        return end(wrong, EXIT_MISCONFIGURED)
    try:
        with serving_workers(metrics_address(options)) as folder:
            options.metrics_folder = folder.path if folder else None
            if folder:
                folder.server.start()
            if options.processes > 1:
                return Workers(options.processes, poll, options).run()
            return poll(options)
    except MetricsPortError as error:
        return end(str(error), EXIT_REJECTED)


def poll(options: argparse.Namespace) -> int:
    """Poll in this process until a stop signal; return the exit code."""
    settings, handler = Settings.from_environment(), pkgutil.resolve_name(options.handler)
    reporter = Reporter(options.metrics_folder) if options.metrics_folder else None
    wiring.warm_up()
    trace_clients.start()
    freeze_gc()
    configure_json_logging()
    if not options.verbose:
        # kafka-python logs every attempt of an outage; the runner logs it once.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
    runner = PollRunner(
        lambda: build_consumer(settings, options.session_timeout_ms, options.timeout_s),
        handler,
        _poll_options(options, settings),
        wiring.unreadable_batches().keep,
    )
    # One of several processes leaves Ctrl-C to the command, which then stops them all.
    handled = {signal.SIGTERM} if options.processes > 1 else {signal.SIGINT, signal.SIGTERM}
    for number in handled:
        signal.signal(number, lambda *_: runner.stop())
    if reporter:
        reporter.start()
    log_event("INFO", "started", topic=settings.coupon_topic, group=settings.consumer_group)
    try:
        runner.run()
    except FATAL_ERRORS as error:
        return end(f"Kafka refuses: {type(error).__name__}: {error}.", EXIT_REJECTED)
    finally:
        if reporter:
            reporter.close()
        wiring.reset()  # close connections before the objects that were frozen end
    log_event("INFO", "stopped")
    return 0


def _poll_options(options: argparse.Namespace, settings: Settings) -> PollOptions:
    return PollOptions(
        topic=settings.coupon_topic,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        batch_size=options.batch_size,
        batch_window_ms=options.batch_window_ms,
        timeout_s=options.timeout_s,
        source=options.source,
        idle_exit_s=options.idle_exit_s,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.poll_runner",
        description="Bring the records of the coupon topic to the consumer, as Lambda would.",
        epilog="Settings come from the environment: see handlers/config.py.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--batch-size", type=integer(1, BATCH_SIZE_MAX), default=100, help="records")
    window = integer(0, BATCH_WINDOW_MS_MAX)
    add("--batch-window-ms", type=window, default=500, help="wait for a full batch")
    timeout = integer(1, TIMEOUT_S_MAX)
    add("--timeout-s", type=timeout, default=60, help="deadline that the handler sees")
    add(
        "--source",
        type=EventSource,
        choices=list(EventSource),
        default=EventSource.MSK,
        help="event to send",
    )
    session = integer(SESSION_TIMEOUT_MS_MIN, BATCH_WINDOW_MS_MAX)
    add("--session-timeout-ms", type=session, default=6_000, help="silence that ends a membership")
    add("--idle-exit-s", type=float, help="end with 0 when nothing came for so long")
    processes = integer(1, PROCESSES_MAX)
    add("--processes", type=processes, default=1, help="pollers that share the partitions")
    add("--handler", default="handlers.consume:consume_handler", help="what to call")
    add("--verbose", action="store_true", help="let kafka-python speak for itself as well")
    add_metrics_options(parser)
    return parser
