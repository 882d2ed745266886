"""A cache in front of a service, as a CDN is one: it keeps an answer for its max-age, for all."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_AGE = re.compile(r"\bmax-age=([0-9]+)")
TIMEOUT_S = 15.0
# Of one connection to the next; the cache writes its own.
HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "server", "date"})


class CachedAnswer(NamedTuple):
    """What the origin said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class SecondCache:
    """Counts by target: `asked`, all requests; `origin_at`, when each went to the origin, in s."""

    def __init__(self, host: str, port: int) -> None:
        self._origin = (host, port)
        self._locks: dict[str, threading.Lock] = {}
        self._kept: dict[str, tuple[float, CachedAnswer]] = {}
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.origin_at: dict[str, list[float]] = {}

    def get(self, target: str, headers: dict[str, str]) -> CachedAnswer:
        """Return the answer that is kept; of several at once, one asks the origin."""
        with self._lock:
            self.asked[target] += 1
            lock = self._locks.setdefault(target, threading.Lock())
        with lock:
            fresh_until, answer = self._kept.get(target, (0.0, None))
            if answer is not None and time.monotonic() < fresh_until:
                return answer
            answer = self._ask(target, headers)
            names = {name.lower(): value for name, value in answer.headers}
            if found := MAX_AGE.search(names.get("cache-control", "")):
                self._kept[target] = (time.monotonic() + int(found[1]), answer)
            return answer

    def _ask(self, target: str, headers: dict[str, str]) -> CachedAnswer:
        self.origin_at.setdefault(target, []).append(time.monotonic())
        connection = http.client.HTTPConnection(*self._origin, timeout=TIMEOUT_S)
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            return CachedAnswer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


@contextmanager
def caching(host: str, port: int) -> Iterator[tuple[SecondCache, str]]:
    """Serve a cache of a service on a free port; yield it and its address."""
    kept = SecondCache(host, port)

    class Handler(_Handler):
        cache = kept

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cache: ClassVar[SecondCache]

    def handle(self) -> None:
        """Serve a connection until it ends."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the browser was closed

    def do_GET(self) -> None:
        """CachedAnswer from the cache."""
        sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = self.cache.get(self.path, sent)
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as in the base
        """Write nothing: some hundred requests come in a second."""
