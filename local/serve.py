"""Serve the HTTP interface on Granian: `python -m local.serve`.

Several processes share one port. Stop it with Ctrl-C or SIGTERM: it finishes the current requests
first. A worker that ends is replaced. SIGHUP has no effect. Exit code 0 after a stop, 1 when it
cannot serve, 2 when a setting is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pkgutil
import resource
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from handlers import trace_clients, wiring
from handlers.edge.http.web_files import web_files
from local.cli import EXIT_MISCONFIGURED, end, integer, misconfigured, port_or_zero
from local.gateway.announcement import announce
from local.gateway.client_address import PROXIES_MAX
from local.gateway.connection_guard import CONNECTIONS_PER_ADDRESS, ConnectionGuard
from local.gateway.cpu_affinity import CpuAffinity, matches_cpu_count
from local.gateway.executor import ExecutorLimits
from local.gateway.fast_pack import use_c_encoder
from local.gateway.server import GatewayServer
from local.json_log import configure_json_logging
from local.metrics.options import add_metrics_options, metrics_address
from local.metrics.reporter import Reporter
from local.metrics.server import MetricsFolder, MetricsPortError, serving_workers
from local.worker_process import exit_with_parent, fork_workers, freeze_gc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION = "local.gateway.app:application"
EXIT_CANNOT_SERVE = 1
# A handler may take API Gateway's 29 s; a worker that needs longer hangs.
WORKER_STOP_TIMEOUT_S = 35
# Open connections of one process. Each costs some 10 KB; a busy front page keeps many idle.
CONNECTIONS_MAX = 8192
# Descriptors beside those: listeners, Redis, Kafka, MySQL, logs.
OTHER_FILES_MAX = 256
# A connection that is idle, or whose header is incomplete, is closed after this time, not earlier.
IDLE_TIMEOUT_S = 30
# A proxy keeps its connections for later requests, and must be the one that ends them: what it
# sends while the gateway ends them is lost. AWS's load balancers and nginx keep them for 60 s.
IDLE_TIMEOUT_BEHIND_PROXY_S = 75
# API Gateway allows 10,240 bytes of headers; the server accepts no setting below 8,192.
HEADER_BYTES_MAX = 16 * 1024
# macOS cannot pin a process.
PINS = ("auto", "on", "off") if hasattr(os, "sched_setaffinity") else ("auto", "off")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    options = _parser().parse_args(arguments)
    if wrong := misconfigured(options.application):
        return end(wrong, EXIT_MISCONFIGURED)
    try:
        metrics = serving_workers(metrics_address(options))
        with _reserved_port(options.host, options.port) as port, metrics as folder:
            return _serve(options, port, folder)
    except MetricsPortError as error:
        return end(str(error), EXIT_CANNOT_SERVE)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        return end(f"Cannot listen on {where}: {error.strerror or error}.", EXIT_CANNOT_SERVE)
    except KeyboardInterrupt:  # before Granian has installed its signal handlers
        return 0


@contextlib.contextmanager
def _reserved_port(host: str, port: int) -> Iterator[int]:
    """Hold `port` (0: a free one) while the workers share it; raise OSError when it is taken.

    The workers bind it with SO_REUSEPORT, with which a second gateway could share it unnoticed.
    So this function binds it without that option first, and sets the option only afterwards. A
    socket that does not listen gets no connections.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as reservation:
        # Connections of a gateway that has just ended do not block the port.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(address)
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield reservation.getsockname()[1]


def _serve(options: argparse.Namespace, port: int, folder: MetricsFolder | None) -> int:
    server = GatewayServer(
        options.application,
        address=options.host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=options.workers,
        backlog=options.backlog,
        # Counts connections, idle ones too: beyond it, new ones wait in the backlog.
        backpressure=_connections_max(),
        http1_settings=_http1_settings(options),
        workers_kill_timeout=WORKER_STOP_TIMEOUT_S,
        log_level=LogLevels.error,
        log_dictconfig=_logging_to_stderr(),
        log_access=options.access_log,
    )
    configure_json_logging()
    fork_workers()
    ready = threading.Thread(target=announce, args=(options.host, port), daemon=True)
    server.on_startup(ready.start)
    path = None
    if folder:
        server.on_startup(folder.server.start)
        path = folder.path
    try:
        server.serve(target_loader=partial(_load, options, port, path, _affinity(options)))
    except SystemExit as stop:
        # Ctrl-C reaches the workers too; it is not a failure if they end first.
        return 0 if server.interrupt_signal else int(stop.code or 0)
    return 0


def _http1_settings(options: argparse.Namespace) -> HTTP1Settings:
    idle_s = IDLE_TIMEOUT_BEHIND_PROXY_S if options.behind_proxy else IDLE_TIMEOUT_S
    return HTTP1Settings(header_read_timeout=idle_s * 1000, max_buffer_size=HEADER_BYTES_MAX)


def _connections_max() -> int:
    """Raise the limit of open files as needed; return how many connections it allows."""
    wanted = CONNECTIONS_MAX + OTHER_FILES_MAX
    allowed, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return max(1, allowed - OTHER_FILES_MAX)
    return CONNECTIONS_MAX


def _limits(options: argparse.Namespace) -> ExecutorLimits:
    return ExecutorLimits(options.threads, options.queue, options.wait_ms / 1000)


def _affinity(options: argparse.Namespace) -> CpuAffinity | None:
    pinned = options.pin == "on" or (options.pin == "auto" and matches_cpu_count(options.workers))
    return CpuAffinity() if pinned else None


def _load(
    options: argparse.Namespace, port: int, folder: Any, affinity: CpuAffinity | None, target: str
) -> Any:
    """Return the application that a worker serves; called in the worker's own process."""
    if affinity:
        affinity.pin()
    exit_with_parent()
    configure_json_logging()
    use_c_encoder()
    application = pkgutil.resolve_name(target)
    application.limits = _limits(options)
    application.proxies = options.behind_proxy
    if folder:
        application.at_stop = Reporter(folder, getattr(application, "show_metrics", None)).start()
    if sys.platform == "linux":
        # Behind proxies, the addresses of connections are theirs.
        ConnectionGuard(
            port, 0 if options.behind_proxy else options.connections_per_address
        ).start()
    trace_clients.start()
    freeze_gc()
    if target == APPLICATION:
        application.origins = wiring.settings().pages.allowed_origins
        web_files()  # read now, and not while the event loop waits for the first page
        wiring.authenticator().prepare()
        wiring.authenticator().warm_up()
        # A Lambda function connects to Kafka at first use; a server has time to do it before.
        # In the background: the gateway also serves without Kafka.
        warm_up = wiring.publisher().warm_up
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    return application


def _logging_to_stderr() -> dict[str, Any]:
    to_stderr = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
    handler = to_stderr | {"formatter": "json"}
    return {
        "formatters": {"json": {"()": "handlers.log.JsonFormatter"}},
        "handlers": {"console": handler, "access": handler},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.serve",
        description="Serve the HTTP interface, each request as an API Gateway event.",
        epilog="Settings come from the environment: see handlers/config.py.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=port_or_zero, default=8000, help="port to listen on; 0: a free one")
    add("--workers", type=integer(1), default=2, help="processes")
    limits = ExecutorLimits()
    threads_help = "handlers at once in each process; a batch of applications counts as one"
    add("--threads", type=integer(1), default=limits.threads, help=threads_help)
    add(
        "--queue",
        type=integer(1),
        default=limits.queue_size,
        help="requests that may wait for one, in each process",
    )
    wait_help = "how long they may wait; then, or with a full queue, the response is 503"
    add("--wait-ms", type=integer(1), default=int(limits.queue_timeout_s * 1000), help=wait_help)
    add(
        "--connections-per-address",
        type=integer(0),
        default=CONNECTIONS_PER_ADDRESS,
        help="open connections of one address, in all processes; 0: any number (Linux)",
    )
    proxy_help = (
        "trusted proxies in front: the client is the N-th from the right in X-Forwarded-For"
    )
    add("--behind-proxy", type=integer(0, PROXIES_MAX), default=0, metavar="N", help=proxy_help)
    pin_help = "keep each process to a core; auto: where they can be shared out evenly"
    add("--pin", choices=PINS, default="auto", help=pin_help)
    add("--backlog", type=integer(1), default=4096, help="connections that may wait")
    add("--access-log", action="store_true", help="one line on stderr for each request")
    add("--application", default=APPLICATION, help="RSGI application to serve")
    add_metrics_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
