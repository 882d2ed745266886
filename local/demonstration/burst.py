"""The moment that everything is built for: all press at once."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from local.demonstration.answers import NO_ANSWER, Answer, read_answer
from local.demonstration.programs import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.demonstration.crowd import Press
    from local.demonstration.screen import Screen

# A person has a connection of their own. Half of what the gateway takes (2 processes, 2,048
# each), because the kernel does not spread them evenly; with more presses than this, the rest
# waits for a connection, and that wait counts as latency.
CONNECTIONS_MAX = 2000
# A listen backlog has 128 places on some systems; beyond it a connection attempt waits a second.
OPENING_AT_ONCE = 100
# Files that this process needs besides its connections.
OTHER_FILES = 100
# Connections are used within seconds of being opened.
KEEP_ALIVE_S = 600.0
ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of it."""

    started: float  # time.perf_counter() at the start signal
    connections: int
    answers: Sequence[Answer]


class Button:
    """The apply call of one campaign, over connections that are open before anybody presses."""

    def __init__(self, url: str, campaign_id: str, timeout_s: float) -> None:
        self._campaign_id = campaign_id
        self._campaign = URL(url) / "campaigns" / campaign_id
        self._apply = self._campaign / "apply"
        self._timeout_s = timeout_s
        self._idle: asyncio.Queue[aiohttp.ClientSession] = asyncio.Queue()
        self._started = 0.0

    async def open(self, stack: AsyncExitStack, count: int, opened: Callable[[int], None]) -> None:
        """Open `count` connections by looking at the campaign, as people do before it opens."""
        few = asyncio.Semaphore(OPENING_AT_ONCE)
        cookies = aiohttp.DummyCookieJar()

        async def one() -> None:
            # One session has one connection: a shared pool would open fewer than are asked.
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=cookies,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            )
            stack.push_async_callback(session.close)
            async with few, session.get(self._campaign) as answer:
                await answer.read()
                answer.raise_for_status()
            self._idle.put_nowait(session)
            opened(self._idle.qsize())

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(one())
        except* ERRORS as errors:
            message = f"only {self._idle.qsize():,} of {count:,} connections could be opened"
            raise DemoError(f"{message}: {_told(errors.exceptions[0])}") from errors

    async def press_all(
        self, crowd: Sequence[Press], answered: Callable[[int], None]
    ) -> tuple[float, list[Answer]]:
        """Let everybody press; return the moment of the start signal, and every answer."""
        answers: list[Answer] = []

        async def one(press: Press) -> None:
            answers.append(await self._press(press))
            answered(len(answers))

        async with asyncio.TaskGroup() as group:
            # No task runs before the next await: all stand ready when the clock starts.
            for press in crowd:
                group.create_task(one(press))
            self._started = time.perf_counter()
        return self._started, answers

    async def _press(self, press: Press) -> Answer:
        pressed = time.perf_counter()
        serial, status = None, NO_ANSWER
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._post(press)
            outcome, serial = read_answer(status, body, self._campaign_id, press.user)
        except ERRORS as error:
            outcome = f"no answer ({type(error).__name__})"
        latency_s = time.perf_counter() - pressed
        return Answer(press.user, outcome, serial, status, pressed - self._started, latency_s)

    async def _post(self, press: Press) -> tuple[int, bytes]:
        session = await self._idle.get()
        try:
            headers = {"Authorization": f"Bearer {press.token}"}
            async with session.post(self._apply, headers=headers) as response:
                return response.status, await response.read()
        finally:
            self._idle.put_nowait(session)


async def burst(button: Button, crowd: Sequence[Press], screen: Screen) -> Burst:
    """Open the connections, and let the crowd press."""
    count = connections_for(len(crowd))
    async with AsyncExitStack() as stack:
        with screen.bar("Opening connections", count) as opened:
            await button.open(stack, count, opened)
        with screen.bar("Everybody presses", len(crowd)) as answered:
            started, answers = await button.press_all(crowd, answered)
    return Burst(started, count, answers)


def connections_for(presses: int) -> int:
    """Return how many connections to open, and let this process open so many."""
    wanted = min(presses, CONNECTIONS_MAX)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + OTHER_FILES:
        ceiling = wanted + OTHER_FILES if hard == resource.RLIM_INFINITY else hard
        soft = min(wanted + OTHER_FILES, ceiling)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, min(wanted, soft - OTHER_FILES))
    return wanted


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
