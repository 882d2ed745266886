"""A promotion, for Locust: `make load`, or `locust -f … --host URL` with this file.

Users poll the campaign's page as often as it may change. At the opening all of them apply. A user
without a response, or with one that asks to wait, applies again. Winners poll their coupon until
it is issued, some losers try once or twice more, and all leave. local/load/scenario.py holds
their decisions; this file sends the requests over HTTP and records the responses.

Each run creates its own campaign when it starts. AUTH_JWT_SECRET signs the tokens of all users;
where it is not set, the development secret does.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from geventhttpclient.client import HTTPClientPool
from locust import FastHttpUser, events
from locust.contrib.fasthttp import LocustBadStatusCode
from locust.exception import StopUser

from local.dev_settings import DEVELOPMENT_SETTINGS
from local.harness.responses import NO_RESPONSE
from local.load.campaign import NotCreatedError, create_campaign
from local.load.progress import progress
from local.load.responses import Endpoint, RawResponse, ResponseKind, read
from local.load.scenario import UserProfile, scenario
from local.load.session_log import HUNG_UP, LoadResult, Timing, UserSession
from local.token import bearer

if TYPE_CHECKING:
    from collections.abc import Generator

    from local.load.responses import ParsedResponse
    from local.load.scenario import Action

# Each user has its own connection. Beyond so many (two gateway processes take 2,048 each) users
# share them, and a user that finds none waits for one.
CONNECTIONS_MAX = 2000
# Longer than the gateway lets a request wait.
RESPONSE_TIMEOUT_S = 30.0
PROGRESS_EVERY_S = 5.0
# How late the end of a run may be noticed.
POLL_INTERVAL_S = 0.2
EXIT_BROKEN = 2
SECRET = os.environ.get("AUTH_JWT_SECRET") or DEVELOPMENT_SETTINGS["AUTH_JWT_SECRET"]


class Promotion:
    """The campaign of one run, and the sessions of its users."""

    def __init__(self, environment: Any) -> None:
        options = environment.parsed_options
        self.users = environment.runner.target_user_count
        self.hang_ups = options.hang_ups / 100
        self.quantity = options.quantity
        self.opens_at_ms = int((time.time() + options.countdown) * 1000)
        self.opens_at_s = self.opens_at_ms / 1000
        self.deadline_s = self.opens_at_s + options.patience
        self.sessions: list[UserSession] = []
        self._numbers = itertools.count(1)
        url = environment.host.rstrip("/")
        self.campaign_id = create_campaign(url, SECRET, self.quantity, self.opens_at_ms)

    def enter(self) -> tuple[UserSession, UserProfile]:
        """Start the session of another user."""
        number = next(self._numbers)
        session = UserSession(f"user-{number}")
        self.sessions.append(session)
        return session, UserProfile.of(number, self.hang_ups)

    def is_over(self) -> bool:
        """Whether all users have come and left."""
        return len(self.sessions) >= self.users and all(session.left for session in self.sessions)

    def say(self) -> None:
        """Print the progress."""
        print(progress(self.sessions, time.time() - self.opens_at_s), flush=True)


class CouponUser(FastHttpUser):  # type: ignore[misc]  # the environment of the checks has no Locust
    """Runs one scenario, and leaves."""

    network_timeout = connection_timeout = RESPONSE_TIMEOUT_S

    def run_scenario(self) -> None:
        """Do the user's actions, one after the other."""
        promotion: Promotion | None = self.environment.promotion
        if promotion is None:
            raise StopUser
        session, profile = promotion.enter()
        credentials = bearer(SECRET, session.user)
        steps = scenario(profile, promotion.deadline_s)
        action = _next(steps, None)
        while action:
            gevent.sleep(action.after_s)
            sent_s = time.time()
            seen = self._do(action, promotion.campaign_id, session.user, credentials)
            session.note(action.call, seen, sent_s, promotion.opens_at_s)
            action = _next(steps, seen)
        session.left = True
        raise StopUser

    def _do(
        self, action: Action, campaign_id: str, user: str, credentials: dict[str, str]
    ) -> ParsedResponse:
        """Send one request. Locust counts its time, and as failures what broke or is wrong."""
        method, _, name = action.call.partition(" ")
        path = name.replace("{id}", campaign_id)
        headers = {} if action.call is Endpoint.CAMPAIGN else credentials
        with (
            gevent.Timeout(action.hang_up_s) as hanging_up,
            self.client.request(
                method, path, name=name, headers=headers, catch_response=True
            ) as response,
        ):
            reply = _reply(response)
            if reply.status == NO_RESPONSE and action.hang_up_s and not hanging_up.pending:
                # The user hung up on purpose: neither a failure nor a response time.
                response.request_meta["name"] = f"{name} (hung up)"
                response.success()
                return read(action.call, reply._replace(error=HUNG_UP), campaign_id, user)
            seen = read(action.call, reply, campaign_id, user)
            if seen.sort is ResponseKind.WRONG:
                response.failure(seen.outcome)
            elif reply.status != NO_RESPONSE:
                response.success()
        return seen

    tasks = (run_scenario,)


def _next(
    steps: Generator[Action, ParsedResponse, None], seen: ParsedResponse | None
) -> Action | None:
    try:
        return steps.send(seen) if seen else next(steps)
    except StopIteration:
        return None


def _reply(response: Any) -> RawResponse:
    error = response.request_meta["exception"]
    if error is None or isinstance(error, LocustBadStatusCode):
        content = bytes(response.content or b"")
        return RawResponse(time.time(), response.status_code, response.headers, content)
    cause = getattr(error, "original", None) or error
    return RawResponse(time.time(), NO_RESPONSE, {}, b"", type(cause).__name__)


def add_options(parser: Any) -> None:
    """Add the options of a run, on the command line and on Locust's page."""
    add = parser.add_argument
    add("--quantity", type=int, default=100, help="coupons of the campaign")
    add("--countdown", type=float, default=30.0, help="seconds from the start to the opening")
    add("--hang-ups", type=float, default=2.0, help="percent who lose the connection once")
    add("--patience", type=float, default=60.0, help="seconds after the opening until all give up")
    add("--days", default="out/load", include_in_web_ui=False, help="folder for what was seen")


def on_test_start(environment: Any, **_: Any) -> None:
    """Create the campaign, before the first user comes."""
    environment.promotion = None
    try:
        promotion = environment.promotion = Promotion(environment)
    except NotCreatedError as error:
        _abort(environment, str(error))
        return
    shared = promotion.users > CONNECTIONS_MAX
    CouponUser.client_pool = _pool() if shared else None
    gevent.spawn(_await_end, environment, promotion)


def on_test_stop(environment: Any, **_: Any) -> None:
    """Write the results to a file."""
    promotion, environment.promotion = environment.promotion, None
    if promotion is None:
        return
    timings = [_timing(entry) for entry in environment.stats.entries.values()]
    parts = (promotion.campaign_id, promotion.quantity, promotion.opens_at_ms, promotion.sessions)
    LoadResult(*parts, timings).write(Path(environment.parsed_options.days))


def on_user_error(user_instance: Any, exception: Exception, **_: Any) -> None:
    """End the run when a user fails with an exception: that is a fault of this program."""
    _abort(user_instance.environment, f"{type(exception).__name__}: {exception}")


def _await_end(environment: Any, promotion: Promotion) -> None:
    due_s = time.monotonic()
    while not promotion.is_over() and environment.promotion is promotion:
        if time.monotonic() >= due_s:
            due_s += PROGRESS_EVERY_S
            promotion.say()
        gevent.sleep(POLL_INTERVAL_S)
    promotion.say()
    if environment.promotion is promotion:
        _end(environment)


def _abort(environment: Any, why: str) -> None:
    print(why, flush=True)
    environment.process_exit_code = EXIT_BROKEN
    gevent.spawn(_end, environment)


def _end(environment: Any) -> None:
    runner = environment.runner
    if environment.parsed_options.headless:
        runner.quit()
    else:
        runner.stop()


def _pool() -> HTTPClientPool:
    timeouts = {"network_timeout": RESPONSE_TIMEOUT_S, "connection_timeout": RESPONSE_TIMEOUT_S}
    return HTTPClientPool(concurrency=CONNECTIONS_MAX, **timeouts)


def _timing(entry: Any) -> Timing:
    p50_ms, p95_ms, p99_ms = (entry.get_response_time_percentile(p) for p in (0.5, 0.95, 0.99))
    counts = entry.num_requests, entry.num_failures
    name = f"{entry.method} {entry.name}"
    return Timing(name, *counts, p50_ms, p95_ms, p99_ms, entry.max_response_time)


events.init_command_line_parser.add_listener(add_options)
events.test_start.add_listener(on_test_start)
events.test_stop.add_listener(on_test_stop)
events.user_error.add_listener(on_user_error)
