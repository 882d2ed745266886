"""The clients of a history: they apply, retry when unsure, and record every response."""

from __future__ import annotations

import heapq
import http.client
import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from threading import Condition
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.responses import (
    ACCEPTED,
    ALREADY_APPLIED,
    EXPECTED,
    NO_RESPONSE,
    UNDECIDED,
    ApplyResponse,
)
from local.token import mint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from threading import Event

    from tests.faults.engine.journal import Journal

THREADS = 8
TIMEOUT_S = 10.0
# After each unsure response a user waits a little longer: clients that retry at once
# only cost time.
RETRY_AFTER_S, RETRY_AFTER_S_MAX = 0.1, 0.5
POLL_INTERVAL_S = 0.2
# From the first application on. A user without a definite response by then counts as unanswered.
# Four brokers of Apache Kafka that are restarted at once on two busy cores need half of it, and no
# campaign can be rebuilt before.
PATIENCE_S = 60.0
ADMITTED = {ACCEPTED, ALREADY_APPLIED}
# Valid for longer than any step of the programs' clocks forward, and after a step back not for more
# than the day that a service takes.
TOKEN_S = 43_200
# The statuses of an honest "not now"; any other indefinite response is a fault.
NOT_NOW = {503, 429, 409}


class Load:
    """All clients of one history."""

    def __init__(
        self, port: int, campaign_id: str, journal: Journal, stopping: Event, patience_s: float
    ) -> None:
        self._port = port
        self.campaign_id = campaign_id
        self._journal = journal
        self._stopping = stopping
        self.patience_s = patience_s
        self._changed = Condition()
        self._due: list[tuple[float, str]] = []
        self._in_flight = 0
        self._held_open = 0
        self.started = 0.0  # time.monotonic(); the times of responses count from it
        self.responses: dict[str, list[ApplyResponse]] = defaultdict(list)
        self.unanswered: set[str] = set()

    def run(self, arrivals: Iterable[tuple[float, str]]) -> None:
        """Let each user apply at their time, until all have a result or the deadline passes."""
        self.started = time.monotonic()
        self._play([(self.started + at_s, user) for at_s, user in arrivals])

    def go_on(self, users: Iterable[str]) -> None:
        """Let these users apply as well, now that all others have a result."""
        now = time.monotonic()
        self._play([(now, user) for user in users])

    def again(self, user: str) -> None:
        """Let a user apply once more while `run` is under way."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic(), user))
            self._changed.notify()

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Let `run` go on for users who may apply again, also where none is waiting."""
        with self._changed:
            self._held_open += 1
        try:
            yield
        finally:
            with self._changed:
                self._held_open -= 1
                self._changed.notify_all()

    def _play(self, due: list[tuple[float, str]]) -> None:
        self._due = due
        heapq.heapify(self._due)
        deadline = time.monotonic() + self.patience_s
        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(self._work, deadline) for _ in range(THREADS)]:
                future.result()
        self.unanswered |= {user for _, user in self._due}

    def _work(self, deadline: float) -> None:
        while user := self._next(deadline):
            response = self._apply(user)
            with self._changed:
                self._in_flight -= 1
                responses = self.responses[user]
                responses.append(response)
                if response.outcome not in EXPECTED:
                    wait_s = min(RETRY_AFTER_S * len(responses), RETRY_AFTER_S_MAX)
                    heapq.heappush(self._due, (time.monotonic() + wait_s, user))
                self._changed.notify()

    def _next(self, deadline: float) -> str:
        """Wait for the next user whose time has come; return "" when no user remains."""
        with self._changed:
            while (self._due or self._in_flight or self._held_open) and not self._stopping.is_set():
                now = time.monotonic()
                if now > deadline:
                    return ""
                if self._due and self._due[0][0] <= now:
                    self._in_flight += 1
                    return heapq.heappop(self._due)[1]
                self._changed.wait(
                    min(POLL_INTERVAL_S, self._due[0][0] - now) if self._due else POLL_INTERVAL_S
                )
        return ""

    def _apply(self, user: str) -> ApplyResponse:
        sent_s = time.monotonic() - self.started
        try:
            status, body = call(self._port, "POST", f"/campaigns/{self.campaign_id}/apply", user)
        except (OSError, http.client.HTTPException, ValueError):
            status, body = NO_RESPONSE, {"code": "no answer"}
        times_s = sent_s, time.monotonic() - self.started
        code, serial = str(body.get("outcome") or body.get("code") or status), body.get("serial")
        self._journal.note(f"    {user}: {code} {serial or ''}".rstrip())
        if code in EXPECTED:
            return ApplyResponse(user, code, serial, status, *times_s)
        undecided = status == NO_RESPONSE or status in NOT_NOW
        outcome = UNDECIDED if undecided else f"{status} {code}"
        return ApplyResponse(user, outcome, None, status, *times_s)


def call(
    port: int, method: str, path: str, user: str, scope: str = "", body: object = None
) -> tuple[int, Any]:
    """Send one request over its own connection; return status and JSON."""
    status, found, _ = exchange(port, method, path, (user, scope), body)
    return status, found


def exchange(
    port: int,
    method: str,
    path: str,
    caller: tuple[str, str],
    body: object = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    timeout_s: float = TIMEOUT_S,
) -> tuple[int, Any, str]:
    """Send one request over its own connection; return status, JSON ({} without) and ETag.

    caller: the user and the scope of the token.
    """
    content = None if body is None else json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)) as connection:
        connection.request(method, path, content, {**_bearer(*caller), **headers})
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else {}, response.getheader("ETag", "")


@cache
def _bearer(user: str, scope: str) -> dict[str, str]:
    token = mint(DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"], user, scope, TOKEN_S)
    return {"Authorization": f"Bearer {token}"}
