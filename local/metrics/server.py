"""The port on which Prometheus reads a program's numbers: GET /metrics, and nothing else."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from local.json_log import log_event
from local.metrics.collector import registry
from local.metrics.workers import WorkersNumbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from local.metrics.options import MetricsAddress
    from local.metrics.snapshot import Snapshot

PATH = "/metrics"
# A client that connects and says nothing keeps a thread for so long.
SILENCE_S = 10


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerOnIpv6(_Server):
    address_family = socket.AF_INET6


class _MetricsHandler(WSGIRequestHandler):
    timeout = SILENCE_S

    def log_message(self, *_: Any) -> None:
        """Write no line for each scrape."""


class MetricsPortError(Exception):
    """The port for metrics cannot be had; the text says which and why."""

    def __init__(self, address: MetricsAddress, why: Exception) -> None:
        reason = getattr(why, "strerror", None) or why
        super().__init__(f"Cannot show metrics on {address.host}:{address.port}: {reason}.")


class MetricsServer:
    """Listens from the beginning, so that a port that is taken stops the program; answers later."""

    def __init__(self, address: MetricsAddress, numbers: Callable[[], Snapshot]) -> None:
        """Raise MetricsPortError when the port cannot be had."""
        application = _only_metrics(make_wsgi_app(registry(numbers)))
        kind = _ServerOnIpv6 if ":" in address.host else _Server
        try:
            self._server = make_server(*address, application, kind, _MetricsHandler)
        except (OSError, OverflowError) as error:
            raise MetricsPortError(address, error) from error
        # A worker that outlives its parent for a moment must not hold the port.
        os.register_at_fork(after_in_child=self._server.socket.close)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address that Prometheus reads."""
        host, port = self._server.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}{PATH}"

    def start(self) -> None:
        """Answer, from threads of this process; say where."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics-port", daemon=True
        )
        self._thread.start()
        log_event("INFO", "metrics", url=self.url)

    def close(self) -> None:
        """Answer no more."""
        if self._thread:
            self._server.shutdown()
        self._server.server_close()


class MetricsFolder(NamedTuple):
    """Where processes report, and the server that shows the sums once it is started."""

    server: MetricsServer
    path: Path


@contextmanager
def serving(
    address: MetricsAddress | None, numbers: Callable[[], Snapshot]
) -> Iterator[MetricsServer | None]:
    """Listen for as long as the block lasts; raise MetricsPortError when the port cannot be had."""
    server = MetricsServer(address, numbers) if address else None
    try:
        yield server
    finally:
        if server:
            server.close()


@contextmanager
def serving_workers(address: MetricsAddress | None) -> Iterator[MetricsFolder | None]:
    """Do the same for the sums of processes that report into a folder."""
    if address is None:
        yield None
        return
    with TemporaryDirectory(prefix="seonchak-metrics-") as name:
        folder = Path(name)
        with serving(address, WorkersNumbers(folder)) as server:
            assert server  # noqa: S101 - there is an address
            yield MetricsFolder(server, folder)


def _only_metrics(application: Callable[..., Any]) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            return application(environ, start_response)  # type: ignore[no-any-return]
        status = HTTPStatus.NOT_FOUND
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [b"There is only GET /metrics.\n"]

    return answer
