"""More requests at once than the gateway can serve: each gets a response in time."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from handlers.adapters.migration.epoch import ensure_epoch
from handlers.retry import RetryDeadline
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.migrate import database_address
from tests.support.log_lines import parsed
from tests.support.programs import Program, running
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from handlers.config import Settings
    from local.servers import Valkey

ENVIRONMENT = {
    "REDIS_URL": "redis://127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://nobody:nothing@127.0.0.1:1/none",
    **DEVELOPMENT_SETTINGS,
}
TEST_HANDLERS = "--application=tests.support.handlers_for_programs:application"
THREADS, QUEUE, WAIT_MS = 2, 5, 400
ASKERS = 40
BOUNDS = ("--workers=1", f"--threads={THREADS}", f"--queue={QUEUE}", f"--wait-ms={WAIT_MS}")
# Long after the queue timeout, and much sooner than anything else would end a wait.
WELL_BEYOND_THE_BOUND_S = 3 * WAIT_MS / 1000


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    after_s: float


@contextmanager
def gateway(*arguments: str, environment: Mapping[str, str]) -> Iterator[tuple[Program, int]]:
    with running("local.serve", "--port=0", *arguments, environment=environment) as program:
        line = program.out.until(lambda line: line.startswith("listening on http://127.0.0.1:"))
        yield program, int(line.rpartition(":")[2])


def ask(port: int, method: str, path: str) -> Response:
    started = time.monotonic()
    with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        headers = {name.title(): value for name, value in response.getheaders()}
        return Response(response.status, headers, body, time.monotonic() - started)


class Crowd:
    """ASKERS clients at once, each on its own connection."""

    def __init__(self, pool: ThreadPoolExecutor, port: int, method: str, path: str) -> None:
        self._responses: list[Future[Response]] = [
            pool.submit(ask, port, method, path) for _ in range(ASKERS)
        ]

    def received(self) -> list[Response]:
        return [future.result() for future in self._responses if future.done()]

    def all_responses(self) -> list[Response]:
        wait(self._responses, WAIT_S)
        return [future.result(0) for future in self._responses]


def statuses(responses: list[Response]) -> Counter[int]:
    return Counter(response.status for response in responses)


def test_a_client_without_a_thread_in_time_gets_503_while_the_handlers_still_work(
    tmp_path: Path,
) -> None:
    path = f"/held?directory={quote(str(tmp_path))}"
    with (
        gateway(TEST_HANDLERS, *BOUNDS, environment=ENVIRONMENT) as (program, port),
        ThreadPoolExecutor(ASKERS) as pool,
    ):
        crowd = Crowd(pool, port, "GET", path)
        # Nothing is released yet: a gateway that queues without end would respond to no client.
        eventually(lambda: len(crowd.received()) == ASKERS - THREADS, "all others were shed")
        shed = crowd.received()
        assert statuses(shed) == {503: ASKERS - THREADS}
        assert {response.headers["Retry-After"] for response in shed} == {"1"}
        for response in shed:
            problem: dict[str, Any] = json.loads(response.body)
            assert response.headers["Content-Type"] == "application/problem+json"
            assert problem["code"] == "UNAVAILABLE"
            assert problem["request_id"] == response.headers["X-Amzn-Requestid"]
        assert ask(port, "GET", "/health").status == 200
        (tmp_path / "release").touch()
        assert statuses(crowd.all_responses()) == {503: ASKERS - THREADS, 200: THREADS}
        assert [ask(port, "GET", "/echo/1").status for _ in range(10)] == [200] * 10
        assert program.stop() == 0
        logged = parsed(program.err.seen)
    assert sum(line["count"] for line in logged) == ASKERS - THREADS
    assert {line["message"] for line in logged} == {"too many requests: shed with 503"}


def test_without_the_bounds_the_same_crowd_would_wait_as_long_as_the_handlers_do(
    tmp_path: Path,
) -> None:
    path = f"/held?directory={quote(str(tmp_path))}"
    no_bounds = ("--workers=1", f"--threads={THREADS}", "--queue=1000000", "--wait-ms=1000000")
    with (
        gateway(TEST_HANDLERS, *no_bounds, environment=ENVIRONMENT) as (program, port),
        ThreadPoolExecutor(ASKERS) as pool,
    ):
        crowd = Crowd(pool, port, "GET", path)
        eventually((tmp_path / "started").exists, "the first handlers' start")
        threading.Event().wait(WELL_BEYOND_THE_BOUND_S)
        assert crowd.received() == []
        (tmp_path / "release").touch()
        assert statuses(crowd.all_responses()) == {200: ASKERS}
        assert program.stop() == 0


@pytest.fixture
def world(clean: Settings, private_valkey: Valkey) -> dict[str, str]:
    """The environment of programs with a Redis of their own, which a test may pause.

    Without campaigns, else the epoch of this Redis would not be set.
    """
    own = dataclasses.replace(clean, redis_url=private_valkey.url, redis_cluster=False)
    ensure_epoch(own, database_address(own), RetryDeadline(WAIT_S, lambda _: None))
    return {**os.environ, "REDIS_URL": private_valkey.url, "REDIS_CLUSTER": "off"}


def test_with_redis_paused_every_client_gets_503_and_afterwards_all_is_well(
    world: dict[str, str], private_valkey: Valkey
) -> None:
    with (
        gateway(*BOUNDS, environment=world) as (program, port),
        ThreadPoolExecutor(ASKERS) as pool,
    ):
        assert ask(port, "GET", "/campaigns").status == 200
        os.kill(private_valkey.pid, signal.SIGSTOP)
        try:
            # Not the list of campaigns, which a process remembers for a second.
            responses = Crowd(pool, port, "GET", "/campaigns/none").all_responses()
        finally:
            os.kill(private_valkey.pid, signal.SIGCONT)
        assert statuses(responses) == {503: ASKERS}
        assert {response.headers["Retry-After"] for response in responses} == {"1"}
        eventually(lambda: ask(port, "GET", "/campaigns").status == 200, "a normal answer")
        assert program.stop() == 0
