"""One of the clients of a soak: a mixed load at a steady pace over one kept connection."""

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
# Of 100 calls. The rest is bad input, of which somebody always has some.
MIX = (
    ("apply", 40),
    ("retry", 15),
    ("poll", 15),
    ("campaign", 10),
    ("stats", 5),
    ("campaigns", 2),
    ("gone", 3),
    ("bad", 10),
)
# Everybody at once and without a pause, as at the opening of a campaign.
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
    """What all clients know: the campaign of the moment, and how to sign."""

    api: Api
    secret: str
    stats: ResponseStats
    stop: threading.Event
    campaign_ids: list[str] = field(default_factory=list)

    def headers(self, user: str, scope: str = "") -> dict[str, str]:
        """Return the headers of a signed request."""
        return bearer(self.secret, user, scope)


class SoakClient(threading.Thread):
    """Calls until it is told to stop."""

    def __init__(self, number: int, shop: SoakContext, calls_per_s: float) -> None:
        super().__init__(name=f"walker-{number}", daemon=True)
        self._number = number
        self._shop = shop
        self._interval_s = 1 / calls_per_s
        # Which call comes next is no secret.
        self._random = random.Random(number)  # noqa: S311
        self._users = 0
        self._connection = http.client.HTTPConnection(shop.api.host, shop.api.port, TIMEOUT_S)

    def run(self) -> None:
        """Walk; whatever goes wrong is noted and the walk goes on."""
        due = burst_due = time.monotonic()
        with closing(self._connection):
            while not self._shop.stop.wait(max(0.0, due - time.monotonic())):
                due = max(due + self._interval_s, time.monotonic() - 1)
                self._call_noted()
                if time.monotonic() >= burst_due:
                    burst_due += BURST_EVERY_S
                    for _ in range(BURST_CALLS):
                        self._call_noted("apply")

    def _call_noted(self, what: str = "") -> None:
        what = what or self._random.choices(*zip(*MIX, strict=True))[0]
        try:
            self._call(what)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            self._shop.stats.fail(f"{what} had no answer: {type(error).__name__}: {error}")

    def _call(self, what: str) -> None:
        shop, campaign_id = self._shop, self._shop.campaign_ids[-1]
        path = f"/campaigns/{campaign_id}"
        if what == "apply":
            self._users += 1
            self._apply(what, campaign_id, self._user(self._users))
        elif what == "retry":
            self._apply(what, campaign_id, self._somebody())
        elif what == "poll":
            self._ask(what, "GET", f"{path}/coupon", POLL_EXPECTED, shop.headers(self._somebody()))
        elif what == "campaign":
            self._ask(what, "GET", path, READ_EXPECTED, {})
        elif what == "campaigns":
            self._ask(what, "GET", "/campaigns", READ_EXPECTED, {})
        elif what == "stats":
            self._ask(
                what, "GET", f"{path}/stats", READ_EXPECTED, shop.headers("a", "coupon:admin")
            )
        elif what == "gone":
            self._go_away(campaign_id)
        else:
            method, bad_path, body, headers, status = self._random.choice(BAD)
            about = f"{method} {bad_path}"
            self._ask(about, method, bad_path, frozenset({status}), headers, body)

    def _user(self, number: int) -> str:
        return f"walker-{self._number}-{number}"

    def _somebody(self) -> str:
        return self._user(self._random.randint(1, max(1, self._users)))

    def _apply(self, what: str, campaign_id: str, user: str) -> None:
        path = f"/campaigns/{campaign_id}/apply"
        status, body = self._ask(what, "POST", path, APPLY_EXPECTED, self._shop.headers(user))
        if status == HTTPStatus.ACCEPTED:
            answer = ApplyResponse(user, *parse_response(status, body, campaign_id, user), status)
            self._shop.stats.accept(campaign_id, answer)

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
        answer = response.read()
        self._shop.stats.answer(what, response.status, expected, time.monotonic() - started)
        return response.status, answer

    def _go_away(self, campaign_id: str) -> None:
        """Apply, and hang up before the answer."""
        self._users += 1
        self._shop.stats.record_disconnect(campaign_id)
        api = self._shop.api
        with closing(http.client.HTTPConnection(api.host, api.port, timeout=TIMEOUT_S)) as one:
            path = f"/campaigns/{campaign_id}/apply"
            one.request("POST", path, headers=self._shop.headers(self._user(self._users)))
