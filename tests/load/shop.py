"""A shop for the locustfile that says whatever a test wants it to say."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HANG_UP, SILENT = 0, -1  # in the place of a status
ResponseStats = tuple[int, dict[str, Any]]


class Shop(ThreadingHTTPServer):
    """Tells each person these answers to their presses in turn, the last one for ever."""

    daemon_threads = True

    def __init__(self, answers: Sequence[ResponseStats]) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.answers = answers
        self.campaign: dict[str, Any] = {}
        self.presses: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Desk(BaseHTTPRequestHandler):
    """Answers over one connection."""

    protocol_version = "HTTP/1.1"
    server: Shop

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        page = self.server.campaign | {"state": "SCHEDULED"}
        has_code = {"status": "ISSUED", "serial": 1, "code": "CODE"}
        self._answer(200, has_code if self.path.endswith("/coupon") else page)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/campaigns":
            self.server.campaign = json.loads(body)
            self._answer(201, self.server.campaign)
            return
        token = self.headers["Authorization"]
        number = self.server.presses[token]
        self.server.presses[token] += 1
        status, fields = self.server.answers[min(number, len(self.server.answers) - 1)]
        if status == SILENT:
            self.rfile.read(1)  # until the client hangs up
        if status in {HANG_UP, SILENT}:
            self.close_connection = True
            return
        known = {"campaign_id": self.server.campaign["id"]}
        self._answer(status, known | fields)

    def _answer(self, status: int, fields: dict[str, Any]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=1")
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def open_shop(*answers: ResponseStats) -> Iterator[Shop]:
    """Serve inside the block."""
    with Shop(answers) as shop:
        serving = threading.Thread(target=shop.serve_forever)
        serving.start()
        try:
            yield shop
        finally:
            shop.shutdown()
            serving.join()
