"""Serve the HTTP interface on Granian: `python -m local.serve`.

Several processes answer on one port. Stop it with Ctrl-C or SIGTERM: requests under way are
finished first. Exit code 0 after a stop, 1 when it cannot serve, 2 when a setting is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import http.client
import os
import pkgutil
import resource
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from handlers import wiring
from handlers.config import ConfigurationError, Settings
from local.gateway.cpu_affinity import CpuAffinity, matches_cpu_count
from local.gateway.executor import ExecutorLimits
from local.json_log import configure_json_logging
from local.worker_process import block_signals_during_fork, exit_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION = "local.gateway.app:application"
EXIT_CANNOT_SERVE, EXIT_MISCONFIGURED = 1, 2
# A handler may take API Gateway's 29 s; a worker that is not done by then never will be.
WORKER_STOP_TIMEOUT_S = 35
# Open connections of one process. Each costs some 10 KB; a busy front page keeps many idle.
CONNECTIONS_MAX = 8192
# Descriptors beside those: listeners, Redis, Kafka, MySQL, logs.
OTHER_FILES_MAX = 256
# Sooner than that a connection is closed neither while idle nor in the middle of a header.
IDLE_TIMEOUT_S = 30
# API Gateway allows 10,240 bytes of headers; the least that the server can be told is 8,192.
HEADER_BYTES_MAX = 16 * 1024
# New objects until the collector looks for cycles among them, a few milliseconds' work.
GC_OBJECTS = 50_000
# macOS knows no such thing.
PINS = ("auto", "on", "off") if hasattr(os, "sched_setaffinity") else ("auto", "off")
# Between two looks whether the first worker answers; a start takes about 300 ms.
READY_PROBE_INTERVAL_S = 0.02
READY_PROBE_TIMEOUT_S = 5.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - only compared


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        Settings.from_environment()
        pkgutil.resolve_name(options.application)
    except ConfigurationError as error:
        print(f"Wrong settings: {error}.", file=sys.stderr)
        return EXIT_MISCONFIGURED
    except (ImportError, AttributeError, ValueError) as error:
        print(f"{options.application} cannot be loaded: {error}.", file=sys.stderr)
        return EXIT_MISCONFIGURED
    try:
        with _reserved_port(options.host, options.port) as port:
            return _serve(options, port)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        print(f"Cannot listen on {where}: {error.strerror or error}.", file=sys.stderr)
        return EXIT_CANNOT_SERVE
    except KeyboardInterrupt:  # before Granian has taken the signals over
        return 0


@contextlib.contextmanager
def _reserved_port(host: str, port: int) -> Iterator[int]:
    """Hold `port` (0: a free one) while the workers share it; raise OSError when it is taken.

    The workers open it with SO_REUSEPORT, which would let a second gateway join in unnoticed.
    So it is bound without that option first, and opened to the workers only afterwards. A
    socket that does not listen is given no connections.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as reservation:
        # Connections of a gateway that has just gone do not block the port.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(address)
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield reservation.getsockname()[1]


def _serve(options: argparse.Namespace, port: int) -> int:
    server = Granian(
        options.application,
        address=options.host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=options.workers,
        backlog=options.backlog,
        # Counts connections, idle ones too: beyond it, newcomers wait unanswered in the backlog.
        backpressure=_connections_max(),
        http1_settings=HTTP1Settings(
            header_read_timeout=IDLE_TIMEOUT_S * 1000, max_buffer_size=HEADER_BYTES_MAX
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=WORKER_STOP_TIMEOUT_S,
        log_level=LogLevels.error,
        log_dictconfig=_logging_to_stderr(),
        log_access=options.access_log,
    )
    configure_json_logging()
    block_signals_during_fork()
    ready = threading.Thread(target=_announce, args=(options.host, port), daemon=True)
    server.on_startup(ready.start)
    try:
        server.serve(target_loader=partial(_load, _bounds(options), _cores(options)))
    except SystemExit as stop:
        # Ctrl-C reaches the workers too; that they went first is no failure then.
        return 0 if server.interrupt_signal else int(stop.code or 0)
    return 0


def _connections_max() -> int:
    """Allow this process and its children as many files as it takes; return how many are left."""
    wanted = CONNECTIONS_MAX + OTHER_FILES_MAX
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
        return max(1, allowed - OTHER_FILES_MAX)
    return CONNECTIONS_MAX


def _bounds(options: argparse.Namespace) -> ExecutorLimits:
    return ExecutorLimits(options.threads, options.queue, options.wait_ms / 1000)


def _cores(options: argparse.Namespace) -> CpuAffinity | None:
    pinned = options.pin == "on" or (options.pin == "auto" and matches_cpu_count(options.workers))
    return CpuAffinity() if pinned else None


def _load(bounds: ExecutorLimits, cores: CpuAffinity | None, target: str) -> Any:
    """Give a worker, in its own process, what it serves."""
    if cores:
        cores.pin()
    exit_with_parent()
    configure_json_logging()
    application = pkgutil.resolve_name(target)
    application.bounds = bounds
    _spare_the_collector()
    if target == APPLICATION:
        # A Lambda function connects to Kafka when it first must; a server has the time before.
        # In the background: without Kafka it serves all the same.
        warm_up = wiring.publisher().warm_up
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    return application


def _spare_the_collector() -> None:
    """Keep the garbage collector from walking through all modules again and again.

    What is loaded now stays. A request makes some hundred objects and no cycle of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)


def _announce(host: str, port: int) -> None:
    """Print the address once a worker has answered."""
    between = threading.Event()
    while not _answers(ANY_ADDRESS.get(host, host), port):
        between.wait(READY_PROBE_INTERVAL_S)
    shown = f"[{host}]" if ":" in host else host
    print(f"listening on http://{shown}:{port}", flush=True)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=READY_PROBE_TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True


def _logging_to_stderr() -> dict[str, Any]:
    to_stderr = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
    handler = to_stderr | {"formatter": "json"}
    return {
        "formatters": {"json": {"()": "handlers.log.JsonFormatter"}},
        "handlers": {"console": handler, "access": handler},
    }


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "must be 1 or more"
        raise argparse.ArgumentTypeError(message)
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:  # noqa: PLR2004 - TCP's
        message = "must be 0 to 65535"
        raise argparse.ArgumentTypeError(message)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.serve",
        description="Serve the HTTP interface, each request as an API Gateway event.",
        epilog="Settings come from the environment: see handlers/config.py.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=_port, default=8000, help="port to listen on; 0: a free one")
    add("--workers", type=_count, default=2, help="processes")
    bounds = ExecutorLimits()
    threads_help = "handlers at once in each process; a group of applications counts as one"
    add("--threads", type=_count, default=bounds.threads, help=threads_help)
    add(
        "--queue",
        type=_count,
        default=bounds.queue_size,
        help="requests that may wait for one, in each process",
    )
    wait_help = "how long they may wait; then, or with a full queue, the answer is 503"
    add("--wait-ms", type=_count, default=int(bounds.queue_timeout_s * 1000), help=wait_help)
    pin_help = "keep each process to a core; auto: where they can be shared out evenly"
    add("--pin", choices=PINS, default="auto", help=pin_help)
    add("--backlog", type=_count, default=4096, help="connections that may wait")
    add("--access-log", action="store_true", help="one line on stderr for each request")
    add("--application", default=APPLICATION, help="RSGI application to serve")
    return parser


if __name__ == "__main__":
    sys.exit(main())
