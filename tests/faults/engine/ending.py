"""The end of a history with more actors than applicants: the campaign admits, and users apply.

Only so it shows that each place that was returned is given again, and that a user who gave a
coupon back gets another one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.harness.responses import SOLD_OUT
from tests.faults.engine import stored
from tests.faults.engine.acts import ADMIN, GIVE_BACK, Act
from tests.faults.engine.load import call
from tests.faults.engine.quiet import NO_RESPONSE, NotQuietError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.actors import Actors
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.load import Load

# A campaign that ends later than this does not end during the history.
MINUTE_MS = 60_000
# More than the places that are left, and again where a rebuild has found more of them meanwhile.
MORE, ROUNDS_MAX = 2, 3
NOT_AGREED = "Redis does not have the campaign that MySQL has"


class Ending:
    """Waits for each condition until a deadline; raises NotQuietError behind it."""

    def __init__(self, cluster: Cluster, actors: Actors, load: Load, patience_s: float) -> None:
        self._cluster = cluster
        self._actors = actors
        self._load = load
        self._deadline = time.monotonic() + patience_s
        self.settled_s = float("inf")  # since when Redis has every place that was returned
        self.has_takers = False  # whether one of them has found no place left

    def play(self) -> None:
        """Let the campaign admit, then let more users apply than places are left."""
        self._await_agreement()
        row = stored.of_mysql(self._cluster, self._load.campaign_id)
        if row.paused:
            self._actors.do(Act(0.0, ADMIN, "resume"), self._deadline)
        if row.closes_at_ms < time.time() * 1000 + MINUTE_MS:
            self._actors.do(Act(0.0, ADMIN, "extend"), self._deadline)
        self._await_agreement()
        self.settled_s = time.monotonic() - self._load.started
        givers = {one.act.about for one in self._actors.answers if one.act.verb == GIVE_BACK}
        for number in range(ROUNDS_MAX):
            takers = self._takers(number)
            self._load.go_on([*sorted(givers), *takers])
            givers = set()
            got = [each.outcome for taker in takers for each in self._load.responses[taker]]
            if SOLD_OUT in got:
                self.has_takers = True
                return

    def _takers(self, number: int) -> list[str]:
        row = stored.of_mysql(self._cluster, self._load.campaign_id)
        left = row.last_serial - stored.holders(self._cluster, self._load.campaign_id)
        return [f"taker-{number}-{each}" for each in range(max(left, 0) + MORE)]

    def _await_agreement(self) -> None:
        self._await(self._is_open)
        self._await(lambda: stored.is_agreed(self._cluster, self._load.campaign_id))

    def _is_open(self) -> bool:
        path = f"/campaigns/{self._load.campaign_id}"
        status, _ = call(self._cluster.port, "GET", path, ADMIN)
        return status == 200

    def _await(self, holds: Callable[[], bool]) -> None:
        why = ""
        while True:
            try:
                if holds():
                    return
            except NO_RESPONSE as error:
                why = f" ({type(error).__name__}: {error})"
            if time.monotonic() > self._deadline:
                raise NotQuietError(NOT_AGREED + why)
            self._cluster.fleet.start_missing()
            self._cluster.pause()
