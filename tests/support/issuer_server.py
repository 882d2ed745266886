"""The HTTP server of an issuer, for several clients at once; it can be made slow at any moment."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.issuer import Issuer

PAUSE_S = 0.05


class IssuerServer:
    """Answers with `issuer.answer`; while `is_slow` is set, a byte of a header at a time."""

    def __init__(self, issuer: Issuer) -> None:
        self.is_slow = threading.Event()
        self.held = 0  # clients that it has been slow to
        self._issuer = issuer
        self._closing = threading.Event()

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve inside the block; yield the address of the keys."""
        issuer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):  # the client has disconnected
                    self.request.recv(65_536)
                    issuer._respond(self.request.sendall)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/keys"
            finally:
                self._closing.set()
                server.shutdown()
                thread.join()

    def _respond(self, send: Callable[[bytes], None]) -> None:
        if self.is_slow.is_set():
            self.held += 1
            send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while self.is_slow.is_set() and not self._closing.wait(PAUSE_S):
                send(b"x")
            send(b"\r\n\r\n" + self._issuer.answer[1])
            return
        status, body = self._issuer.answer
        send(b"HTTP/1.1 %d Status\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
