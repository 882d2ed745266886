"""Applications at a fixed rate, each of another user, timed from the moment at which it was due.

A client that waits for its answer before it sends the next request does not see what others wait
meanwhile. Here a request that is sent late has its lateness in its time.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

from local.harness.http_connection import ERRORS, HttpConnection, post
from local.token import mint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCEPTED = 202
# So many may be under way at once; more than answers in a second at any rate that is measured.
CONNECTIONS = 64
TIMEOUT_S = 10.0
# A moment for the connections before the first is due.
LEAD_S = 0.5
POLL_MS = 100


class Schedule(NamedTuple):
    """What is sent, how often and how long."""

    host: str
    port: int
    campaign_id: str
    secret: str  # of the tokens
    per_s: int
    seconds: int


class PacedTimes(NamedTuple):
    """How long the accepted applications took, in ms, in order; `wrong`: how many were not."""

    ms: list[float]
    wrong: int

    def percentile(self, percent: int) -> float:
        """Return the time within which so many of a hundred were accepted; NaN without any."""
        return self.ms[len(self.ms) * percent // 100] if self.ms else float("nan")


def apply_paced(schedule: Schedule, wait: Callable[[float], object]) -> PacedTimes:
    """Apply as the schedule says, in a process of its own; call `wait` (ms) meanwhile."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        sent = pool.submit(apply_all, schedule)
        while not sent.done():
            wait(POLL_MS)
        return sent.result()


def apply_all(schedule: Schedule) -> PacedTimes:
    """Apply as the schedule says, in this process."""
    path, run = f"/campaigns/{schedule.campaign_id}/apply", uuid.uuid4().hex[:8]
    requests = [
        post(schedule.host, path, mint(schedule.secret, f"{run}-{number}"))
        for number in range(schedule.per_s * schedule.seconds)
    ]
    return asyncio.run(_send_all(schedule, requests))


async def _send_all(schedule: Schedule, requests: list[bytes]) -> PacedTimes:
    start = time.perf_counter() + LEAD_S
    due = ((start + number / schedule.per_s, one) for number, one in enumerate(requests))
    taken: list[float] = []
    await asyncio.gather(*(_send(schedule, due, taken) for _ in range(CONNECTIONS)))
    return PacedTimes(sorted(taken), len(requests) - len(taken))


async def _send(schedule: Schedule, due: Iterator[tuple[float, bytes]], taken: list[float]) -> None:
    connection = HttpConnection(schedule.host, schedule.port)
    for due_at, request in due:
        await asyncio.sleep(due_at - time.perf_counter())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, _ = await connection.exchange(request)
        except ERRORS:
            continue  # it is not among the accepted ones
        if status == ACCEPTED:
            taken.append((time.perf_counter() - due_at) * 1000)
    connection.close()
