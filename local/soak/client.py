"""One of the clients of a soak: a mixed load at a steady rate over one kept connection."""

from __future__ import annotations

import http.client
import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from local.harness.responses import ApplyResponse, parse_response
from local.token import bearer

if TYPE_CHECKING:
    from local.harness.api_client import Api
    from local.soak.response_stats import ResponseStats

TIMEOUT_S = 30.0
# Of 100 requests. "bad" is bad input, which every service receives.
MIX = (
    ("apply", 40),
    ("retry", 15),
    ("poll", 15),
    ("campaign", 10),
    ("stats", 5),
    ("campaigns", 2),
    ("disconnect", 3),
    ("bad", 10),
)
# All clients at once and without a pause, as at the opening of a campaign.
BURST_CALLS, BURST_EVERY_S = 25, 20.0
APPLY_EXPECTED = frozenset({200, 202, 409, 429})
READ_EXPECTED = frozenset({200})
POLL_EXPECTED = frozenset({200, 404})
BAD: tuple[tuple[str, str, bytes | None, dict[str, str], int], ...] = (
    ("GET", "/nowhere", None, {}, 404),
    ("DELETE", "/campaigns", None, {}, 405),
    ("POST", "/campaigns", b"{", {}, 401),
    ("POST", "/campaigns/x/apply", None, {"Authorization": "Bearer none.such.token"}, 401),
    ("GET", "/campaigns/NO%00ID", None, {}, 404),
    ("GET", "/campaigns/no-such-campaign", None, {}, 404),
    ("POST", "/campaigns/x/apply", b"x" * 20_000, {}, 413),
)


@dataclass
class SoakContext:
    """What all clients share: the current campaign, and how to sign."""

    api: Api
    secret: str
    stats: ResponseStats
    stop: threading.Event
    campaign_ids: list[str] = field(default_factory=list)

    def headers(self, user: str, scope: str = "") -> dict[str, str]:
        """Return the headers of a signed request."""
        return bearer(self.secret, user, scope)


class SoakClient(threading.Thread):
    """Sends requests until `stop` is set."""

    def __init__(self, number: int, context: SoakContext, calls_per_s: float) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._number = number
        self._context = context
        self._interval_s = 1 / calls_per_s
        # Which request comes next is not a secret.
        self._random = random.Random(number)  # noqa: S311
        self._users = 0
        self._connection = http.client.HTTPConnection(context.api.host, context.api.port, TIMEOUT_S)

    def run(self) -> None:
        """Send requests; a failed one is recorded, and the client goes on."""
        due = burst_due = time.monotonic()
        with closing(self._connection):
            while not self._context.stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + self._interval_s, time.monotonic() - 1)
                self._call_recorded()
                if time.monotonic() >= burst_due:
                    burst_due += BURST_EVERY_S
                    for _ in range(BURST_CALLS):
                        self._call_recorded("apply")

    def _call_recorded(self, what: str = "") -> None:
        what = what or self._random.choices(*zip(*MIX, strict=True))[0]
        try:
            self._call(what)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            self._context.stats.fail(f"{what} had no answer: {type(error).__name__}: {error}")

    def _call(self, what: str) -> None:
        headers, campaign_id = self._context.headers, self._context.campaign_ids[-1]
        path = f"/campaigns/{campaign_id}"
        if what == "apply":
            self._users += 1
            self._apply(what, campaign_id, self._user(self._users))
        elif what == "retry":
            self._apply(what, campaign_id, self._known_user())
        elif what == "poll":
            self._ask(what, "GET", f"{path}/coupon", POLL_EXPECTED, headers(self._known_user()))
        elif what == "campaign":
            self._ask(what, "GET", path, READ_EXPECTED, {})
        elif what == "campaigns":
            self._ask(what, "GET", "/campaigns", READ_EXPECTED, {})
        elif what == "stats":
            self._ask(what, "GET", f"{path}/stats", READ_EXPECTED, headers("a", "coupon:admin"))
        elif what == "disconnect":
            self._disconnect(campaign_id)
        else:
            method, bad_path, body, bad_headers, status = self._random.choice(BAD)
            about = f"{method} {bad_path}"
            self._ask(about, method, bad_path, frozenset({status}), bad_headers, body)

    def _user(self, number: int) -> str:
        return f"client-{self._number}-{number}"

    def _known_user(self) -> str:
        return self._user(self._random.randint(1, max(1, self._users)))

    def _apply(self, what: str, campaign_id: str, user: str) -> None:
        path = f"/campaigns/{campaign_id}/apply"
        status, body = self._ask(what, "POST", path, APPLY_EXPECTED, self._context.headers(user))
        if status == HTTPStatus.ACCEPTED:
            accepted = ApplyResponse(user, *parse_response(status, body, campaign_id, user), status)
            self._context.stats.accept(campaign_id, accepted)

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        expected: frozenset[int],
        headers: dict[str, str],
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        started = time.monotonic()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        self._context.stats.record(what, response.status, expected, time.monotonic() - started)
        return response.status, content

    def _disconnect(self, campaign_id: str) -> None:
        """Apply, and hang up before the response."""
        self._users += 1
        self._context.stats.record_disconnect(campaign_id)
        api = self._context.api
        with closing(http.client.HTTPConnection(api.host, api.port, TIMEOUT_S)) as connection:
            path = f"/campaigns/{campaign_id}/apply"
            connection.request("POST", path, headers=self._context.headers(self._user(self._users)))
