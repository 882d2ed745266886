"""A replacement of Locust: the same users on threads, in a hurry, with its options.

With it, the load test is tested where Locust is not installed.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from local.harness.responses import NO_RESPONSE
from local.load import scenario as habits
from local.load.campaign import create_campaign
from local.load.progress import progress
from local.load.responses import Endpoint, RawResponse, read
from local.load.scenario import Action, UserProfile, scenario
from local.load.session_log import HUNG_UP, LoadResult, Timing, UserSession
from local.token import mint

TIMEOUT_S = 30.0
# What people take seconds for, these do at once.
HURRY = {
    "POLL_JITTER_S": 0.1,
    "RETRY_JITTER_S": 0.1,
    "REAPPLY_S_MIN": 0.1,
    "REAPPLY_S_MAX": 0.3,
    "CHECK_S_MIN": 0.1,
    "CHECK_S_MAX": 0.2,
}


class CouponUser:
    """One user, on a thread."""

    def __init__(self, number: int, options: argparse.Namespace, campaign_id: str) -> None:
        self.session = UserSession(f"user-{number}")
        self._profile = UserProfile.of(number, options.hang_ups / 100)
        self._campaign_id = campaign_id
        self._token = mint(os.environ["AUTH_JWT_SECRET"], self.session.user)
        address = urlsplit(options.host)
        self._connection = http.client.HTTPConnection(
            str(address.hostname), address.port, timeout=TIMEOUT_S
        )

    def run_scenario(self, opens_at_s: float, patience_s: float) -> None:
        """Run the scenario."""
        steps = scenario(self._profile, opens_at_s + patience_s)
        action: Action | None = next(steps)
        with closing(self._connection):
            while action:
                time.sleep(action.after_s)  # the user's own pause: there is nothing to wait for
                sent_s = time.time()
                reply = self._do(action)
                seen = read(action.call, reply, self._campaign_id, self.session.user)
                self.session.note(action.call, seen, sent_s, opens_at_s)
                try:
                    action = steps.send(seen)
                except StopIteration:
                    action = None
        self.session.left = True

    def _do(self, action: Action) -> RawResponse:
        method, _, path = action.call.partition(" ")
        headers = (
            {} if action.call is Endpoint.CAMPAIGN else {"Authorization": f"Bearer {self._token}"}
        )
        self._connection.request(method, path.replace("{id}", self._campaign_id), headers=headers)
        if action.hang_up_s:
            self._connection.close()
            return RawResponse(time.time(), NO_RESPONSE, {}, b"", HUNG_UP)
        response = self._connection.getresponse()
        names = ("Retry-After", "Cache-Control")
        headers = {name: response.getheader(name) or "" for name in names}
        return RawResponse(time.time(), response.status, headers, response.read())


def main() -> None:
    """Run all users of one load test."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    kinds = {"host": str, "days": Path, "users": int, "quantity": int}
    for name in ("countdown", "hang-ups", "patience", *kinds):
        parser.add_argument(f"--{name}", type=kinds.get(name, float), required=True)
    options, _ = parser.parse_known_args()
    for name, seconds in HURRY.items():
        setattr(habits, name, seconds)
    opens_at_ms = int((time.time() + options.countdown) * 1000)
    secret = os.environ["AUTH_JWT_SECRET"]
    campaign_id = create_campaign(options.host, secret, options.quantity, opens_at_ms)
    users = [CouponUser(number, options, campaign_id) for number in range(options.users)]
    with ThreadPoolExecutor(options.users) as threads:
        for each in [
            threads.submit(one.run_scenario, opens_at_ms / 1000, options.patience) for one in users
        ]:
            each.result()
    sessions = [one.session for one in users]
    sys.stdout.write(f"{progress(sessions, time.time() - opens_at_ms / 1000)}\n")
    timings = [Timing("POST /campaigns/{id}/apply", options.users, 0, 1.0, 2.0, 3.0, 4.0)]
    LoadResult(campaign_id, options.quantity, opens_at_ms, sessions, timings).write(options.days)


if __name__ == "__main__":
    main()
