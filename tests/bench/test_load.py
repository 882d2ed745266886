"""The requests that wrk sends by apply.lua, and the metrics from the responses."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench.cluster import RunningGateway
from bench.harness import FAILURES
from bench.load import LATE, LoadGenerator
from bench.processor_time import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

USERS = 200
TOKENS = [f"token-{number}" for number in range(USERS)]


class Service(ThreadingHTTPServer):
    """Accepts the first applications, refuses the next ones, and records them."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, accepted: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.accepted = accepted


class Handler(BaseHTTPRequestHandler):
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
        """Write no log."""


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


def load(
    server: Service, folder: Path, statuses: str, tokens: Sequence[str] = TOKENS
) -> LoadGenerator:
    file = folder / "tokens"
    file.write_text("".join(f"{token}\n" for token in tokens), "ascii")
    return LoadGenerator(RunningGateway("127.0.0.1", server.server_port, {}), file, statuses)


def test_each_token_is_sent_once_and_the_load_ends_with_the_last_response(tmp_path: Path) -> None:
    with service(accepted=50) as server:
        metrics = load(server, tmp_path, "202,409").once_each(USERS, "spring")
    received = Counter(server.seen)
    assert received == {("/campaigns/spring/apply", f"Bearer {token}"): 1 for token in TOKENS}
    assert metrics[FAILURES] == 0
    assert metrics["per_s"] > 0


def test_every_response_with_another_status_is_a_failure_not_work(tmp_path: Path) -> None:
    with service(accepted=50) as server:
        metrics = load(server, tmp_path, "409").once_each(USERS, "spring")
    assert metrics[FAILURES] == 50


def test_a_load_cycles_through_the_tokens_until_its_time_is_over(tmp_path: Path) -> None:
    with service(accepted=0) as server:
        metrics = load(server, tmp_path, "409", TOKENS[:3]).during(1, "spring")
    received = Counter(token for _, token in server.seen)
    assert received.keys() == {f"Bearer {token}" for token in TOKENS[:3]}
    assert min(received.values()) > 1
    assert metrics[FAILURES] == 0
    assert metrics[f"{METRIC}load"] > 0


def test_a_paced_load_sends_at_its_rate_however_fast_the_responses_come(tmp_path: Path) -> None:
    with service(accepted=0) as server:
        metrics = load(server, tmp_path, "409").paced(1, "spring", rate_per_s=50)
    # As many as the connections can have answered would be thousands.
    assert 0 < len(server.seen) < 250
    assert metrics[FAILURES] == 0


def test_requests_that_leave_later_than_they_are_due_are_counted(tmp_path: Path) -> None:
    with service(accepted=0) as server:
        metrics = load(server, tmp_path, "409").paced(1, "spring", rate_per_s=1_000_000)
    assert metrics[LATE] > 0.5
