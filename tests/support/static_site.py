"""A CDN for tests: serves what `python -m local.pages` has written, with the headers it names."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def static_site() -> Iterator[StaticSite]:
    """Run a site on a free port; it has no file until `publish`."""
    site = StaticSite()
    with ThreadingHTTPServer(("127.0.0.1", 0), site.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield site
        server.shutdown()


class StaticSite:
    """The files of a folder by headers.json."""

    address = ""

    def __init__(self) -> None:
        self._files: dict[str, tuple[dict[str, str], bytes]] = {}

    def publish(self, folder: Path) -> None:
        """Serve a folder; a path that ends with * is for all that begin so."""
        described = json.loads((folder / "headers.json").read_text("utf-8"))["files"]
        self._files = {
            one["path"]: (one["headers"], (folder / one["file"]).read_bytes()) for one in described
        }

    def find(self, path: str) -> tuple[dict[str, str], bytes] | None:
        """Return the headers and the content for a path, None where there is nothing."""
        beginning = path.rpartition("/")[0] + "/*"
        return self._files.get(path) or self._files.get(beginning)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return the handler class of a server of this site."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = site.find(self.path.partition("?")[0])
                headers, content = found or ({}, b"")
                self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        return Handler
