"""The moment that everything is built for: all press at once."""

from __future__ import annotations

import asyncio
import gc
import http
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.gc_pause import gc_paused
from local.harness.http_connection import (
    ERRORS,
    HttpConnection,
    MalformedHttpResponseError,
    get,
    post,
)
from local.harness.processes import HarnessError
from local.harness.responses import NO_RESPONSE, ApplyResponse, parse_response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.demo.requests import ApplyRequest
    from local.harness.api_client import Api
    from local.harness.console import Console

# A person has a connection of their own. Half of what the gateway takes (2 processes, 2,048
# each), because the kernel does not spread them evenly; with more presses than this, the rest
# waits for a connection.
CONNECTIONS_MAX = 2000
# A listen backlog has 128 places on some systems; beyond it a connection attempt waits a second.
OPENING_AT_ONCE = 100
# So many press before the next look for answers. On a busy machine pressing takes half a second,
# and an answer must not seem late because nobody looked.
PRESSES_PER_LOOK = 100
# Files that this process needs besides its connections.
OTHER_FILES = 100


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of it."""

    started: float  # time.perf_counter() at the start signal
    connections: int
    answers: Sequence[ApplyResponse]


class BurstClient:
    """The apply call of one campaign, over connections that are open before anybody presses."""

    def __init__(self, api: Api, campaign_id: str, timeout_s: float) -> None:
        self._api = api
        self._campaign_id = campaign_id
        self._timeout_s = timeout_s
        self._connections: list[HttpConnection] = []
        self._idle: asyncio.Queue[HttpConnection] = asyncio.Queue()
        self._started = 0.0

    async def open(self, count: int, opened: Callable[[int], None]) -> None:
        """Open `count` connections by looking at the campaign, as people do while they wait."""
        request = get(self._api.host, f"/campaigns/{self._campaign_id}")
        few = asyncio.Semaphore(OPENING_AT_ONCE)

        async def one() -> None:
            connection = HttpConnection(self._api.host, self._api.port)
            self._connections.append(connection)
            async with few, asyncio.timeout(self._timeout_s):
                status, _ = await connection.exchange(request)
            if status != http.HTTPStatus.OK:
                message = f"the campaign's page answers {status}"
                raise MalformedHttpResponseError(message)
            self._idle.put_nowait(connection)
            opened(self._idle.qsize())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(one())
        except* ERRORS as errors:
            first = errors.exceptions[0]
            about = f"{type(first).__name__}: {first}"
            message = f"only {self._idle.qsize():,} of {count:,} connections opened ({about})"
            raise HarnessError(message) from errors

    async def send_all(
        self, crowd: Sequence[ApplyRequest], answered: Callable[[int], None]
    ) -> tuple[float, list[ApplyResponse]]:
        """Let everybody press; return the moment of the start signal, and every answer."""
        path = f"/campaigns/{self._campaign_id}/apply"
        requests = [post(self._api.host, path, press.token) for press in crowd]
        answers: list[ApplyResponse] = []

        async def one(press: ApplyRequest, request: bytes) -> None:
            answers.append(await self._press(press, request))
            answered(len(answers))

        async with asyncio.TaskGroup() as group:
            self._started = time.perf_counter()
            for number, (press, request) in enumerate(zip(crowd, requests, strict=True), 1):
                group.create_task(one(press, request))
                if number % PRESSES_PER_LOOK == 0:
                    await asyncio.sleep(0)
        return self._started, answers

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    async def _press(self, press: ApplyRequest, request: bytes) -> ApplyResponse:
        sent_s = time.perf_counter() - self._started
        serial, status = None, NO_RESPONSE
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._send(request)
            outcome, serial = parse_response(status, body, self._campaign_id, press.user)
        except ERRORS as error:
            outcome = f"no answer ({type(error).__name__})"
        latency_s = time.perf_counter() - self._started
        return ApplyResponse(press.user, outcome, serial, status, sent_s, latency_s)

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        connection = await self._idle.get()
        try:
            return await connection.exchange(request)
        finally:
            self._idle.put_nowait(connection)


async def burst(button: BurstClient, crowd: Sequence[ApplyRequest], screen: Console) -> Burst:
    """Open the connections, and let the crowd press."""
    count = connections_for(len(crowd))
    try:
        with screen.bar("Opening connections", count) as opened:
            await button.open(count, opened)
        gc.collect()
        # Nothing stops the crowd for a tenth of a second in the middle of pressing.
        with screen.bar("Everybody presses", len(crowd)) as answered, gc_paused():
            started, answers = await button.send_all(crowd, answered)
    finally:
        button.close()
    return Burst(started, count, answers)


def connections_for(requests: int) -> int:
    """Return how many connections to open, and let this process open so many."""
    wanted = min(requests, CONNECTIONS_MAX)
    needed = wanted + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, min(wanted, allowed - OTHER_FILES))
