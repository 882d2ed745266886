"""A small Lambda Runtime API (version 2018-06-01) for AWS's runtime client."""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from local.lambda_context import AWS_ACCOUNT_ID, AWS_REGION

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/2018-06-01/runtime/"
TIMEOUT_S = 60.0
FUNCTION_TIMEOUT_S = 29
POLL_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class InvocationOutcome:
    """The runtime's post: `kind` is response, error or init (an error before any event)."""

    kind: str
    body: Any


class NoOutcomeError(Exception):
    """The runtime did not answer; notes hold its log."""


class RuntimeApi(ThreadingHTTPServer):
    """Hands out one event at a time, and takes its outcome."""

    def __init__(self, arn_name: str) -> None:
        """Listen on a free port, for a function of this name."""
        super().__init__(("127.0.0.1", 0), _Calls)
        self.arn = f"arn:aws:lambda:{AWS_REGION}:{AWS_ACCOUNT_ID}:function:{arn_name}"
        self.events: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self.outcomes: SimpleQueue[tuple[str, InvocationOutcome]] = SimpleQueue()
        self.is_asked = threading.Event()  # the init phase is over
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def address(self) -> str:
        """Return what AWS_LAMBDA_RUNTIME_API gets."""
        return f"127.0.0.1:{self.server_address[1]}"

    def put(self, event: dict[str, Any]) -> str:
        """Queue an event for the runtime; return its request id."""
        request_id = str(uuid.uuid4())
        self.events.put((request_id, json.dumps(event).encode()))
        return request_id

    def outcome(self, is_alive: Callable[[], bool]) -> tuple[str, InvocationOutcome]:
        """Return the next outcome with its request id; NoOutcomeError when the runtime has none."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            ended = not is_alive()
            try:
                return self.outcomes.get(timeout=POLL_INTERVAL_S)
            except Empty:
                if ended:
                    message = "the runtime ended without an outcome"
                    raise NoOutcomeError(message) from None
        message = f"no outcome within {TIMEOUT_S:.0f} s"
        raise NoOutcomeError(message)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error of a call, unless the function was killed within it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop; the runtime must have ended."""
        self.events.put(None)  # for the thread with the runtime's last poll
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        """Send the next event, once there is one."""
        if self.path != f"{PREFIX}invocation/next":
            self.send_error(404)
            return
        self.server.is_asked.set()
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        request_id, body = event
        deadline_ms = int((time.time() + FUNCTION_TIMEOUT_S) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-6ad1b2c3-0123456789abcdef01234567;Sampled=0",
        }
        self._send(200, body, headers)

    def do_POST(self) -> None:
        """Take an outcome."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, request_id = "init", ""
        if self.path != f"{PREFIX}init/error":
            _, request_id, kind = self.path.removeprefix(PREFIX).split("/")
        self._send(202, b'{"status":"OK"}', {})
        self.server.outcomes.put((request_id, InvocationOutcome(kind, body)))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""
