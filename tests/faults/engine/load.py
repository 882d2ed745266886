"""The clients of a history: they apply, ask again when unsure, and remember every answer."""

from __future__ import annotations

import heapq
import http.client
import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import jwt

from local.development import DEVELOPMENT_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.faults.engine.journal import Journal

THREADS = 8
TIMEOUT_S = 4.0
RETRY_AFTER_S = 0.12
# From the first application on. A user who has no definite answer by then has been left alone.
PATIENCE_S = 30.0
TOLD = {"ACCEPTED", "ALREADY_APPLIED"}
REFUSED = {"SOLD_OUT"}
# What an honest "not now" looks like; everything else that is no answer is a flaw.
UNSURE = {503, 429}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was told, in order. code "" means: no answer at all."""

    user: str
    status: int
    code: str
    serial: int | None = None


class Load:
    """All clients of one history."""

    def __init__(self, port: int, campaign_id: str, journal: Journal, patience_s: float) -> None:
        self._port = port
        self._campaign_id = campaign_id
        self._journal = journal
        self._patience_s = patience_s
        self._lock = Lock()
        self._due: list[tuple[float, str]] = []
        self._asking = 0
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.unanswered: set[str] = set()

    def run(self, arrivals: Iterable[tuple[float, str]], pause: Callable[[float], None]) -> None:
        """Let everybody apply at their time, until all have an answer or patience ends."""
        started = time.monotonic()
        self._due = [(started + at_s, user) for at_s, user in arrivals]
        heapq.heapify(self._due)
        until = started + self._patience_s
        with ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(self._work, until, pause) for _ in range(THREADS)]:
                future.result()
        self.unanswered = {user for _, user in self._due}

    def _work(self, until: float, pause: Callable[[float], None]) -> None:
        while time.monotonic() < until:
            with self._lock:
                if not self._due and not self._asking:
                    return
                now = time.monotonic()
                is_due = bool(self._due) and self._due[0][0] <= now
                user = heapq.heappop(self._due)[1] if is_due else None
                self._asking += is_due
            if user is None:
                pause(0.01)
                continue
            answer = self._apply(user)
            with self._lock:
                self._asking -= 1
                self.answers[user].append(answer)
                if answer.code not in TOLD | REFUSED:
                    heapq.heappush(self._due, (time.monotonic() + RETRY_AFTER_S, user))
            self._journal.note(
                f"    {user}: {answer.code or 'no answer'} {answer.serial or ''}".rstrip()
            )

    def _apply(self, user: str) -> Answer:
        try:
            status, body = call(self._port, "POST", f"/campaigns/{self._campaign_id}/apply", user)
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(user, 0, "")
        code = str(body.get("outcome") or body.get("code") or status)
        return Answer(user, status, code, body.get("serial"))


def call(
    port: int, method: str, path: str, user: str, scope: str = "", body: object = None
) -> tuple[int, Any]:
    """Send one request over a connection of its own; return status and JSON."""
    claims = {"sub": user, "exp": time.time() + 3600, "scope": scope}
    token = jwt.encode(claims, DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"])
    headers = {"Authorization": f"Bearer {token}"}
    content = None if body is None else json.dumps(body).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)) as connection:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
