"""A fake service for the locustfile, with the responses that a test sets."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HANG_UP, SILENT = 0, -1  # instead of a status
Response = tuple[int, dict[str, Any]]


class FakeService(ThreadingHTTPServer):
    """Gives each user these responses to apply in turn, then repeats the last one."""

    daemon_threads = True

    def __init__(self, responses: Sequence[Response]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.responses = responses
        self.campaign: dict[str, Any] = {}
        self.applies: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Responds over one connection."""

    protocol_version = "HTTP/1.1"
    server: FakeService

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def do_GET(self) -> None:
        page = self.server.campaign | {"state": "SCHEDULED"}
        has_code = {"status": "ISSUED", "serial": 1, "code": "CODE"}
        self._respond(200, has_code if self.path.endswith("/coupon") else page)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/campaigns":
            self.server.campaign = json.loads(body)
            self._respond(201, self.server.campaign)
            return
        token = self.headers["Authorization"]
        number = self.server.applies[token]
        self.server.applies[token] += 1
        status, fields = self.server.responses[min(number, len(self.server.responses) - 1)]
        if status == SILENT:
            self.rfile.read(1)  # until the client hangs up
        if status in {HANG_UP, SILENT}:
            self.close_connection = True
            return
        common = {"campaign_id": self.server.campaign["id"]}
        self._respond(status, common | fields)

    def _respond(self, status: int, fields: dict[str, Any]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=1")
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def fake_service(*responses: Response) -> Iterator[FakeService]:
    """Serve inside the block."""
    with FakeService(responses) as service:
        serving = threading.Thread(target=service.serve_forever)
        serving.start()
        try:
            yield service
        finally:
            service.shutdown()
            serving.join()
