"""handlers/edge/http/request_log.py: a line each; of a flood the first of a kind and a sum."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from handlers import health
from handlers.edge.http import request_log
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.request_log import MESSAGE, REQUESTS, SECOND_S, RequestLog
from handlers.edge.http.response import json_response, problem
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from handlers.edge.http.request import Request
    from tests.unit.conftest import Fakes, LogLines

FLOOD = 1000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def requests(clock: Clock) -> RequestLog:
    return RequestLog(clock)


def fields(outcome: str = "SOLD_OUT", status: int = 409, **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "status": status, "duration_ms": 0.5, **more}


def test_of_a_flood_the_first_has_its_line_and_the_next_request_after_the_second_sums_it_up(
    requests: RequestLog, clock: Clock, logged: LogLines
) -> None:
    for number in range(FLOOD):
        one = fields(request_id=f"request-{number}", duration_ms=float(number))
        requests.write("apply_handler", one, is_noise=True)
    [first] = logged.lines
    assert (first["message"], first["request_id"]) == ("apply_handler", "request-0")
    logged.clear()
    clock.now += SECOND_S
    requests.write("apply_handler", fields("ACCEPTED", 202), is_noise=False)
    more, accepted = logged.lines
    assert accepted["outcome"] == "ACCEPTED"
    del more["time"]
    assert more == {
        "level": "INFO",
        "message": MESSAGE,
        "handler": "apply_handler",
        "outcome": "SOLD_OUT",
        "status": 409,
        "count": FLOOD - 1,
        "duration_ms_max": FLOOD - 1,
    }


def test_within_the_second_nothing_is_summed_up_and_after_it_the_next_is_a_first_one(
    requests: RequestLog, clock: Clock, logged: LogLines
) -> None:
    for _ in range(2):
        requests.write("apply_handler", fields(), is_noise=True)
    clock.now += SECOND_S / 2
    requests.write("apply_handler", fields(), is_noise=True)
    assert [line["message"] for line in logged.lines] == ["apply_handler"]
    clock.now += SECOND_S / 2
    requests.write("apply_handler", fields(), is_noise=True)
    assert [line["message"] for line in logged.lines] == ["apply_handler", MESSAGE, "apply_handler"]


def test_each_kind_has_its_first_line_and_its_sum(requests: RequestLog, logged: LogLines) -> None:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("apply_handler", fields()),
        ("apply_handler", fields("CLOSED")),
        ("apply_handler", fields("UNAVAILABLE", 503)),
        ("apply_handler", fields("UNAVAILABLE", 503, cause="ConnectionError")),
        ("stats_handler", fields("FORBIDDEN", 403)),
    ]
    for handler, one in kinds * 3:
        requests.write(handler, dict(one), is_noise=True)
    assert len(logged.lines) == len(kinds)
    logged.clear()
    requests.flush()
    assert [line["count"] for line in logged.lines] == [2] * len(kinds)
    assert [line.get("cause") for line in logged.lines] == [
        *[None] * 3,
        "ConnectionError",
        None,
    ]
    logged.clear()
    requests.flush()
    assert not logged.text


def test_a_kind_that_came_once_has_no_sum(requests: RequestLog, logged: LogLines) -> None:
    requests.write("apply_handler", fields(), is_noise=True)
    requests.flush()
    assert [line["message"] for line in logged.lines] == ["apply_handler"]


def test_lines_that_are_no_noise_are_all_written(requests: RequestLog, logged: LogLines) -> None:
    for _ in range(FLOOD):
        requests.write("apply_handler", fields("ACCEPTED", 202), is_noise=False)
    assert len(logged.lines) == FLOOD


def test_lines_and_sums_of_many_threads_make_up_all_requests(
    requests: RequestLog, clock: Clock, logged: LogLines
) -> None:
    threads = 8
    together = threading.Barrier(threads, timeout=WAIT_S)

    def flood() -> None:
        together.wait()
        for _ in range(FLOOD):
            clock.now += SECOND_S / 500
            requests.write("apply_handler", fields(), is_noise=True)

    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(flood) for _ in range(threads)]:
            each.result(WAIT_S)
    requests.flush()
    assert sum(line.get("count", 1) for line in logged.lines) == threads * FLOOD
    assert len(logged.lines) < FLOOD


def answering(status: int, outcome: str) -> Any:
    @endpoint
    def some_handler(request: Request) -> dict[str, Any]:
        request.log_fields["outcome"] = outcome
        ok = status < 400
        return json_response(status, {}) if ok else problem(outcome, "no", request.request_id)

    return some_handler


@pytest.mark.parametrize(
    ("method", "status", "outcome", "lines"),
    [
        ("POST", 202, "ACCEPTED", 3),
        ("POST", 200, "ALREADY_APPLIED", 3),
        ("POST", 201, "OK", 3),
        ("POST", 500, "INTERNAL", 3),
        ("GET", 200, "OK", 1),
        ("HEAD", 200, "OK", 1),
        ("POST", 409, "SOLD_OUT", 1),
        ("POST", 409, "CLOSED", 1),
        ("POST", 429, "TOO_MANY_REQUESTS", 1),
        ("POST", 401, "UNAUTHENTICATED", 1),
        ("POST", 503, "UNAVAILABLE", 1),
        ("GET", 404, "CAMPAIGN_NOT_FOUND", 1),
    ],
)
def test_what_changes_something_and_what_is_our_fault_has_a_line_each(
    logged: LogLines, method: str, status: int, outcome: str, lines: int
) -> None:
    for _ in range(3):
        assert answering(status, outcome)({"httpMethod": method}, None)["statusCode"] == status
    assert len(logged.lines) == lines
    REQUESTS.flush()
    assert sum(line.get("count", 1) for line in logged.lines) == 3


def test_health_is_one_line_a_second(
    fakes: Fakes, logged: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fakes
    monkeypatch.setattr(request_log, "SECOND_S", WAIT_S)
    for _ in range(FLOOD):
        health.health_handler({"httpMethod": "GET"}, None)
    assert len(logged.lines) == 1
    REQUESTS.flush()
    assert logged.lines[-1]["count"] == FLOOD - 1
