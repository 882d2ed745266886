"""Steps of a history that wait for the programs, so that what a control shows needs no luck.

They are no faults: a seed never draws them. What is due later waits until a step is over.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local.servers import ServerError
from tests.faults.points import held

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.cluster import Cluster

# For a busy machine; a step that takes longer is passed over, which the result shows.
STEP_S_MAX = 20.0
POLL_INTERVAL_S = 0.01
CONSUMED = """
SELECT 1 FROM coupon WHERE campaign_id = %s
UNION ALL SELECT 1 FROM failed_event WHERE campaign_id = %s LIMIT 1
"""


class Steps:
    """Each raises ServerError where what it needs has not happened within STEP_S_MAX."""

    def __init__(self, cluster: Cluster, campaign_id: str) -> None:
        self._cluster = cluster
        self._campaign_id = campaign_id

    def await_point(self, name: str) -> None:
        """Return when a program has reached an armed point."""
        self._await(lambda: not (self._cluster.points / name).exists(), f"reaches {name}")

    def await_consumed(self) -> None:
        """Return when MySQL has a coupon or a failed event of the campaign."""
        ids = self._campaign_id, self._campaign_id
        self._await(lambda: bool(self._cluster.rows(CONSUMED, *ids)), "writes a row")

    def release(self, name: str) -> None:
        """End the first of the pauses at a point."""
        self._await(lambda: bool(self._paused(name)), f"pauses at {name}")
        pause = held(self._cluster.points) / self._paused(name)[0]
        pause.unlink(missing_ok=True)

    def _paused(self, name: str) -> list[str]:
        pauses = (pause.name for pause in held(self._cluster.points).iterdir())
        return sorted(pause for pause in pauses if pause.endswith(f".{name}"))

    def _await(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + STEP_S_MAX
        while not holds():
            if time.monotonic() > deadline:
                message = f"no program {what} in time"
                raise ServerError(message)
            self._cluster.pause(POLL_INTERVAL_S)
