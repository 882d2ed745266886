"""A bucket with S3's GetObject over HTTP, for functions in processes of their own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MISSING = b"<Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>"
POLL_S = 0.05


@contextmanager
def served(name: str, objects: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Serve `objects` by key inside the block; yield the variables that point AWS's SDK here.

    Credentials are not checked. The restore only reads.
    """

    class Calls(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bucket, _, key = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
            content = objects.get(key) if bucket == name else None
            status, body = (404, MISSING) if content is None else (200, content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Calls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
            }
        finally:
            server.shutdown()
            thread.join()
