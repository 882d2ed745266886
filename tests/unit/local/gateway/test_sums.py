"""The gateway writes what its handlers have counted: every second, and when it stops."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from handlers.edge.http.request_log import MESSAGE
from handlers.health import health_handler
from local.gateway import app
from local.gateway.app import make_application
from tests.support.rsgi import Route, RsgiProtocol, Scope, ask_at_once
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    import pytest

    from tests.unit.conftest import LogLines

HEALTH = Route("GET", "/health", health_handler)
CALLS = 100
INTERVAL_S = 0.01


def sums(logged: LogLines) -> list[int]:
    return [line["count"] for line in logged.lines if line["message"] == MESSAGE]


def test_a_hundred_calls_of_health_are_one_line_and_a_sum_that_the_stop_writes(
    logged: LogLines,
) -> None:
    health = Scope("GET", "/health")
    replies = ask_at_once([(health, RsgiProtocol()) for _ in range(CALLS)], HEALTH)
    assert {reply.status for reply in replies} == {200}
    assert [line["message"] for line in logged.lines] == ["health_handler", MESSAGE]
    assert sums(logged) == [CALLS - 1]


def test_sums_are_written_while_no_further_request_comes(
    logged: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SECOND_S", INTERVAL_S)

    def more_sums_than(before: int) -> bool:
        return len(sums(logged)) > before

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        gateway = make_application([HEALTH])
        gateway.__rsgi_init__(loop)
        for _ in range(2):  # the second round: it goes on
            before = len(sums(logged))
            for _ in range(CALLS):
                await gateway.__rsgi__(Scope("GET", "/health"), RsgiProtocol())
            is_written = partial(more_sums_than, before)
            await asyncio.to_thread(eventually, is_written, "the sum")
        gateway.__rsgi_del__(loop)

    asyncio.run(scenario())
    lines = sum(line["message"] == "health_handler" for line in logged.lines)
    assert sum(sums(logged)) + lines == 2 * CALLS


def test_refusals_are_stored_while_no_further_request_comes_one_sum_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "SECOND_S", INTERVAL_S)
    redis_is_silent, started = Event(), []

    def store() -> None:
        started.append(1)
        redis_is_silent.wait(WAIT_S)

    monkeypatch.setattr(app, "store_refusals", store)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        gateway = make_application([HEALTH])
        gateway.__rsgi_init__(loop)
        await asyncio.to_thread(eventually, lambda: started, "the first sum")
        # Rounds of the clock pass, and the loop still serves requests.
        for _ in range(5):
            await asyncio.sleep(INTERVAL_S)
            await gateway.__rsgi__(Scope("GET", "/health"), RsgiProtocol())
        assert len(started) == 1
        redis_is_silent.set()
        await asyncio.to_thread(eventually, lambda: len(started) > 1, "the next sum")
        before = len(started)
        gateway.__rsgi_del__(loop)
        assert len(started) > before  # the last one, when it stops

    asyncio.run(scenario())
