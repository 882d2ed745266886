"""What wrk sends by apply.lua, and what it makes of the answers."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench.cluster import Gateway
from bench.harness import FAILURES
from bench.load import Load
from bench.processor_time import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PEOPLE = 200
TOKENS = [f"token-{number}" for number in range(PEOPLE)]


class Service(ThreadingHTTPServer):
    """Accepts the first applications, refuses the next ones, and remembers who came."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, accepted: int) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.accepted = accepted


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        with self.server.lock:
            self.server.seen.append((self.path, self.headers["Authorization"]))
            status = 202 if len(self.server.seen) <= self.server.accepted else 409
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def service(accepted: int) -> Iterator[Service]:
    with Service(accepted) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def load(server: Service, folder: Path, statuses: str, tokens: Sequence[str] = TOKENS) -> Load:
    file = folder / "tokens"
    file.write_text("".join(f"{token}\n" for token in tokens), "ascii")
    return Load(Gateway("127.0.0.1", server.server_port, {}), file, statuses)


def test_a_crowd_sends_each_token_once_and_ends_with_the_last_answer(tmp_path: Path) -> None:
    with service(accepted=50) as server:
        figures = load(server, tmp_path, "202,409").of_everybody(PEOPLE, "spring")
    came = Counter(server.seen)
    assert came == {("/campaigns/spring/apply", f"Bearer {token}"): 1 for token in TOKENS}
    assert figures[FAILURES] == 0
    assert figures["per_s"] > 0


def test_every_answer_with_another_status_is_a_failure_and_no_work(tmp_path: Path) -> None:
    with service(accepted=50) as server:
        figures = load(server, tmp_path, "409").of_everybody(PEOPLE, "spring")
    assert figures[FAILURES] == 50


def test_a_load_goes_on_through_the_tokens_until_its_time_is_over(tmp_path: Path) -> None:
    with service(accepted=0) as server:
        figures = load(server, tmp_path, "409", TOKENS[:3]).during(1, "spring")
    came = Counter(token for _, token in server.seen)
    assert came.keys() == {f"Bearer {token}" for token in TOKENS[:3]}
    assert min(came.values()) > 1
    assert figures[FAILURES] == 0
    assert figures[f"{METRIC}load"] > 0
