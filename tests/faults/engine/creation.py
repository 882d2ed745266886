"""The campaigns of a history, created through the service before it begins."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import TYPE_CHECKING

from handlers.domain import times
from tests.faults.engine.load import call
from tests.faults.engine.quiet import NO_RESPONSE, NotQuietError

if TYPE_CHECKING:
    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.scenario import Scenario

Arrivals = tuple[tuple[float, str], ...]
CREATE_S = 30.0


def campaigns(cluster: Cluster, scenario: Scenario) -> dict[str, Arrivals]:
    """Return the campaign that faults strike, with its applications; in a cluster another as well.

    That one is on another shard, and other users apply: what they were promised holds as well.
    """
    campaign_id = f"faults-{scenario.seed}-{uuid.uuid4().hex[:8]}"
    found: dict[str, Arrivals] = {campaign_id: scenario.arrivals}
    if shards := cluster.servers.shards:
        other = next(
            name
            for number in itertools.count()
            if shards.is_elsewhere(campaign_id, name := f"{campaign_id}-{number}")
        )
        found[other] = tuple((at_s, f"other-{user}") for at_s, user in scenario.arrivals)
    return found


def create(cluster: Cluster, campaign_id: str, scenario: Scenario) -> None:
    """Create the campaign through the service, once the service responds."""
    body = _body(campaign_id, scenario, int(time.time() * 1000))
    deadline = time.monotonic() + CREATE_S
    status: object = None
    while time.monotonic() < deadline:
        try:
            status, _ = call(cluster.port, "POST", "/campaigns", "admin", "coupon:admin", body)
        except NO_RESPONSE as error:
            status = type(error).__name__
        if status in (200, 201):
            return
        cluster.fleet.start_missing()
        cluster.pause()
    tails = "\n".join(cluster.fleet.log_tails())
    message = f"the campaign could not be created: {status}; the programs said:\n{tails}"
    raise NotQuietError(message)


def _body(campaign_id: str, scenario: Scenario, now_ms: int) -> dict[str, object]:
    opens_at = times.to_iso(now_ms - 60_000)
    body: dict[str, object] = {
        "id": campaign_id,
        "name": "History",
        "quantity": scenario.quantity,
        "opens_at": opens_at,
        "closes_at": times.to_iso(now_ms + 3_600_000),
    }
    if scenario.expires_s:
        body["usable_until"] = times.to_iso(now_ms + int(scenario.expires_s * 1000))
    if scenario.release_s:
        half, at_ms = scenario.quantity // 2, now_ms + int(scenario.release_s * 1000)
        body["releases"] = [
            {"at": opens_at, "quantity": half},
            {"at": times.to_iso(at_ms), "quantity": scenario.quantity - half},
        ]
    return body
