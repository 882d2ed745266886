"""AWS's Lambda extension for secrets, as a local HTTP server."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = b"an unexpected error occurred while executing request: ResourceNotFoundException: ..."


class Extension:
    """Holds secrets by name and stage; `broken` is the response to all requests, if set."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self.tokens: list[str | None] = []
        self.broken: tuple[int, bytes] | None = None

    def respond(self, target: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert url.path == "/secretsmanager/get"
        if self.broken:
            return self.broken
        text = self.secrets.get((query["secretId"], query["versionStage"]))
        if text is None:
            return 400, MISSING
        return 200, json.dumps({"SecretString": text}).encode()

    @contextmanager
    def served(self) -> Iterator[int]:
        """Serve inside the block; yield the port."""
        extension = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                extension.tokens.append(self.headers.get("X-Aws-Parameters-Secrets-Token"))
                status, body = extension.respond(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()
