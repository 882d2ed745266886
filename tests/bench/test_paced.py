"""Applications at a fixed rate: each user once, and none waits without being counted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from bench import paced
from bench.paced import PacedTimes, Schedule, apply_paced

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_S, SECONDS, ACCEPTED = 40, 1, 30
SECRET = "of a test, and long enough for it"
HELD_S = 0.5


class Service(ThreadingHTTPServer):
    """Accepts the first applications, and responds to the first one late."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str]] = []
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        with self.server.lock:
            self.server.seen.append((self.path, self.headers["Authorization"]))
            number = len(self.server.seen)
        if number == 1:
            time.sleep(HELD_S)
        self.send_response(202 if number <= ACCEPTED else 409)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def schedule(service: Service) -> Schedule:
    return Schedule("127.0.0.1", service.server_port, "spring", SECRET, PER_S, SECONDS)


def test_each_user_applies_once_and_what_is_not_accepted_is_counted_as_wrong(
    service: Service,
) -> None:
    waits: list[float] = []

    def wait(ms: float) -> None:
        waits.append(ms)
        time.sleep(ms / 1000)

    times = apply_paced(schedule(service), wait)
    assert (len(times.ms), times.wrong) == (ACCEPTED, PER_S * SECONDS - ACCEPTED)
    assert times.ms == sorted(times.ms)
    assert {path for path, _ in service.seen} == {"/campaigns/spring/apply"}
    users = Counter(token for _, token in service.seen)
    assert len(users) == PER_S * SECONDS
    assert waits


def test_what_is_sent_late_since_another_answer_was_late_has_that_in_its_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "CONNECTIONS", 1)
    times = paced.apply_all(schedule(service))
    # With one connection these were due while it was held: the last of them just before its end.
    due_meanwhile = int(HELD_S * PER_S)
    assert len([ms for ms in times.ms if ms > 1000 / PER_S]) >= due_meanwhile - 1


def test_a_percentile_is_one_of_the_times_and_without_any_there_is_none() -> None:
    times = PacedTimes([float(ms) for ms in range(1, 201)], 0)
    assert (times.percentile(50), times.percentile(99)) == (101.0, 199.0)
    assert PacedTimes([], 3).percentile(99) != PacedTimes([], 3).percentile(99)  # NaN
