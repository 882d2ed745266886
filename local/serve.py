"""Serve the HTTP interface on Granian: `python -m local.serve`.

Several processes answer on one port. Stop it with Ctrl-C or SIGTERM: requests under way are
finished first. Exit code 0 after a stop, 1 when it cannot serve, 2 when a setting is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import pkgutil
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from handlers import wiring
from handlers.config import ConfigurationError, Settings
from local.apigateway.worker_process import die_with_parent, keep_signals_across_forks
from local.log_line import only_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION = "local.gateway:application"
EXIT_CANNOT_SERVE, EXIT_MISCONFIGURED = 1, 2
# A handler may take API Gateway's 29 s; a worker that is not done by then never will be.
WORKER_STOP_TIMEOUT_S = 35
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
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=options.workers,
        blocking_threads=options.threads,
        backlog=options.backlog,
        # Counts connections, idle ones too: less would lock keep-alive clients out.
        backpressure=max(1, options.backlog // options.workers),
        respawn_failed_workers=True,
        workers_kill_timeout=WORKER_STOP_TIMEOUT_S,
        log_level=LogLevels.error,
        log_dictconfig=_logging_to_stderr(),
        log_access=options.access_log,
    )
    only_json()
    keep_signals_across_forks()
    ready = threading.Thread(target=_announce, args=(options.host, port), daemon=True)
    server.on_startup(ready.start)
    try:
        server.serve(target_loader=_load)
    except SystemExit as stop:
        # Ctrl-C reaches the workers too; that they went first is no failure then.
        return 0 if server.interrupt_signal else int(stop.code or 0)
    return 0


def _load(target: str) -> Any:
    """Give a worker, in its own process, what it serves."""
    die_with_parent()
    only_json()
    application = pkgutil.resolve_name(target)
    if target == APPLICATION:
        # A Lambda function connects to Kafka when it first must; a server has the time before.
        # In the background: without Kafka it serves all the same.
        warm_up = wiring.publisher().warm_up
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    return application


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
    add("--threads", type=_count, default=8, help="handlers at once in each process")
    add("--backlog", type=_count, default=4096, help="connections that may wait")
    add("--access-log", action="store_true", help="one line on stderr for each request")
    add("--application", default=APPLICATION, help="WSGI callable to serve")
    return parser


if __name__ == "__main__":
    sys.exit(main())
