"""The burst: all users apply at once."""

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
    from collections.abc import Awaitable, Callable, Sequence

    from local.demo.requests import ApplyRequest
    from local.harness.api_client import Api
    from local.harness.console import Console

    Opening = Callable[[], Awaitable[None]]

# Each user has a connection. Half of what the gateway takes (2 processes, 2,048
# each), because the kernel does not spread them evenly; with more requests than this, the rest
# waits for a connection.
CONNECTIONS_MAX = 2000
# A listen backlog has 128 slots on some systems; beyond it a connection attempt waits a second.
OPENING_MAX = 100
# The client reads responses after this many requests. On a busy machine sending takes half a
# second, and a response must not seem late because the client did not read it.
REQUESTS_PER_YIELD = 100
# Files that this process needs besides its connections.
OTHER_FILES = 100


@dataclass(frozen=True, slots=True)
class Burst:
    """The result of a burst."""

    started: float  # time.perf_counter() at the start signal
    connections: int
    responses: Sequence[ApplyResponse]


class BurstClient:
    """Sends one campaign's apply requests over connections that were opened before."""

    def __init__(self, api: Api, campaign_id: str, timeout_s: float) -> None:
        self._api = api
        self._campaign_id = campaign_id
        self._timeout_s = timeout_s
        self._connections: list[HttpConnection] = []
        self._idle: asyncio.Queue[HttpConnection] = asyncio.Queue()
        self._started = 0.0

    async def open(self, count: int, opened: Callable[[int], None]) -> None:
        """Open `count` connections by reading the campaign, as users do while they wait."""
        request = get(self._api.host, f"/campaigns/{self._campaign_id}")
        opening = asyncio.Semaphore(OPENING_MAX)

        async def open_one() -> None:
            connection = HttpConnection(self._api.host, self._api.port)
            self._connections.append(connection)
            async with opening, asyncio.timeout(self._timeout_s):
                status, _ = await connection.exchange(request)
            if status != http.HTTPStatus.OK:
                message = f"the campaign's page has status {status}"
                raise MalformedHttpResponseError(message)
            self._idle.put_nowait(connection)
            opened(self._idle.qsize())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(open_one())
        except* ERRORS as errors:
            first = errors.exceptions[0]
            about = f"{type(first).__name__}: {first}"
            message = f"only {self._idle.qsize():,} of {count:,} connections opened ({about})"
            raise HarnessError(message) from errors

    async def send_all(
        self, requests: Sequence[ApplyRequest], received: Callable[[int], None]
    ) -> tuple[float, list[ApplyResponse]]:
        """Send all requests at once; return the time of the start signal and all responses."""
        path = f"/campaigns/{self._campaign_id}/apply"
        messages = [post(self._api.host, path, request.token) for request in requests]
        responses: list[ApplyResponse] = []

        async def send_one(request: ApplyRequest, message: bytes) -> None:
            responses.append(await self._apply(request, message))
            received(len(responses))

        async with asyncio.TaskGroup() as group:
            self._started = time.perf_counter()
            for number, (request, message) in enumerate(zip(requests, messages, strict=True), 1):
                group.create_task(send_one(request, message))
                if number % REQUESTS_PER_YIELD == 0:
                    await asyncio.sleep(0)
        return self._started, responses

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    async def _apply(self, request: ApplyRequest, message: bytes) -> ApplyResponse:
        sent_s = time.perf_counter() - self._started
        serial, status = None, NO_RESPONSE
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._send(message)
            outcome, serial = parse_response(status, body, self._campaign_id, request.user)
        except ERRORS as error:
            outcome = f"no answer ({type(error).__name__})"
        latency_s = time.perf_counter() - self._started
        return ApplyResponse(request.user, outcome, serial, status, sent_s, latency_s)

    async def _send(self, message: bytes) -> tuple[int, bytes]:
        connection = await self._idle.get()
        try:
            return await connection.exchange(message)
        finally:
            self._idle.put_nowait(connection)


async def at_once() -> None:
    """Wait for nothing."""


async def burst(
    client: BurstClient,
    requests: Sequence[ApplyRequest],
    screen: Console,
    opening: Opening = at_once,
) -> Burst:
    """Open the connections, wait for the opening, and send all requests."""
    count = connections_for(len(requests))
    try:
        with screen.bar("Opening connections", count) as opened:
            await client.open(count, opened)
        gc.collect()
        await opening()
        # A garbage collection would stop this process for a tenth of a second during the burst.
        with screen.bar("All users apply", len(requests)) as received, gc_paused():
            started, responses = await client.send_all(requests, received)
    finally:
        client.close()
    return Burst(started, count, responses)


def connections_for(requests: int) -> int:
    """Return how many connections to open; raise this process's limit of files as needed."""
    wanted = min(requests, CONNECTIONS_MAX)
    needed = wanted + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, min(wanted, allowed - OTHER_FILES))
