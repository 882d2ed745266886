"""The clients of a history: they apply, ask again when unsure, and remember every answer."""

from __future__ import annotations

import heapq
import http.client
import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from threading import Condition
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
from local.token import bearer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Event

    from tests.faults.engine.journal import Journal

THREADS = 8
TIMEOUT_S = 10.0
# Each time that a user is left unsure they wait a little longer: a crowd that asks all the time
# only costs time.
RETRY_AFTER_S, RETRY_AFTER_MAX_S = 0.1, 0.5
POLL_INTERVAL_S = 0.2
# From the first application on. A user who has no definite answer by then has been left alone.
PATIENCE_S = 30.0
TOLD = {ACCEPTED, ALREADY_APPLIED}
# What an honest "not now" looks like; everything else that is no answer is a flaw.
NOT_NOW = {503, 429, 409}


class Load:
    """All clients of one history."""

    def __init__(
        self, port: int, campaign_id: str, journal: Journal, stopping: Event, patience_s: float
    ) -> None:
        self._port = port
        self._campaign_id = campaign_id
        self._journal = journal
        self._stopping = stopping
        self._patience_s = patience_s
        self._changed = Condition()
        self._due: list[tuple[float, str]] = []
        self._asking = 0
        self.answers: dict[str, list[ApplyResponse]] = defaultdict(list)
        self.unanswered: set[str] = set()

    def run(self, arrivals: Iterable[tuple[float, str]]) -> None:
        """Let everybody apply at their time, until all have an answer or patience ends."""
        started = time.monotonic()
        self._due = [(started + at_s, user) for at_s, user in arrivals]
        heapq.heapify(self._due)
        until = started + self._patience_s
        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(self._work, until) for _ in range(THREADS)]:
                future.result()
        self.unanswered = {user for _, user in self._due}

    def _work(self, until: float) -> None:
        while user := self._next(until):
            answer = self._apply(user)
            with self._changed:
                self._asking -= 1
                answers = self.answers[user]
                answers.append(answer)
                if answer.outcome not in EXPECTED:
                    wait_s = min(RETRY_AFTER_S * len(answers), RETRY_AFTER_MAX_S)
                    heapq.heappush(self._due, (time.monotonic() + wait_s, user))
                self._changed.notify()

    def _next(self, until: float) -> str:
        """Wait for the next user whose time has come; "" when there will be none."""
        with self._changed:
            while (self._due or self._asking) and not self._stopping.is_set():
                now = time.monotonic()
                if now > until:
                    return ""
                if self._due and self._due[0][0] <= now:
                    self._asking += 1
                    return heapq.heappop(self._due)[1]
                self._changed.wait(
                    min(POLL_INTERVAL_S, self._due[0][0] - now) if self._due else POLL_INTERVAL_S
                )
        return ""

    def _apply(self, user: str) -> ApplyResponse:
        try:
            status, body = call(self._port, "POST", f"/campaigns/{self._campaign_id}/apply", user)
        except (OSError, http.client.HTTPException, ValueError):
            status, body = NO_RESPONSE, {"code": "no answer"}
        code, serial = str(body.get("outcome") or body.get("code") or status), body.get("serial")
        self._journal.note(f"    {user}: {code} {serial or ''}".rstrip())
        if code in EXPECTED:
            return ApplyResponse(user, code, serial, status)
        undecided = status == NO_RESPONSE or status in NOT_NOW
        return ApplyResponse(user, UNDECIDED if undecided else f"{status} {code}", status=status)


def call(
    port: int, method: str, path: str, user: str, scope: str = "", body: object = None
) -> tuple[int, Any]:
    """Send one request over a connection of its own; return status and JSON."""
    headers = _bearer(user, scope)
    content = None if body is None else json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)) as connection:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@cache
def _bearer(user: str, scope: str) -> dict[str, str]:
    # Valid for a day: longer than any step of the programs' clocks.
    return bearer(DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"], user, scope)
