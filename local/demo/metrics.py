"""The metrics of a run: pure functions over the recorded data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.harness.invariants import repeated
from local.harness.responses import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.observations import Observations
    from local.harness.responses import ApplyResponse

PERCENTILES = (50, 95, 99)
OTHER = "OTHER"
MEASURED = "rows seen committed by polling MySQL every 5 ms, counted from the first request"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the demo, all times in seconds from the start signal."""

    campaign_id: str
    servers: str
    observations: Observations
    connections: int
    rows_seen: Sequence[tuple[float, int]]  # (when, rows in MySQL) at each change
    rows_complete_s: float | None  # None: they never were
    lateness: Sequence[str] = ()  # a clause about what arrived after the window

    @property
    def duration_s(self) -> float:
        """When the last response had arrived."""
        return max((response.latency_s for response in self.observations.responses), default=0.0)


def metrics(run: Run) -> dict[str, Any]:
    """Return all metrics, ready for JSON."""
    observations, responses = run.observations, run.observations.responses
    outcomes = Counter(response.outcome for response in responses)
    return {
        "campaign_id": run.campaign_id,
        "servers": run.servers,
        "quantity": observations.quantity,
        "people": observations.people,
        "presses": observations.requests,
        "connections": run.connections,
        "sent_within_ms": _ms(max((r.sent_s for r in responses), default=0.0)),
        "answers": {name: outcomes[name] for name in EXPECTED}
        | {name: count for name, count in outcomes.most_common() if name not in EXPECTED},
        "errors": sum(not response.expected for response in responses),
        "latency_measured": "from the start signal, when all users applied, to the response",
        "latency_ms": {"all": latencies_ms(responses)}
        | {name: latencies_ms(group) for name, group in by_outcome(responses).items()},
        "answered_within_s": round(run.duration_s, 4),
        "answers_per_s": round(len(responses) / run.duration_s, 1) if run.duration_s else None,
        "rows_due": observations.coupons_due,
        "rows_in_mysql": len(observations.rows),
        "rows_complete_after_s": run.rows_complete_s and round(run.rows_complete_s, 4),
        "rows_complete_measured": MEASURED,
        "rows_seen": [[round(at, 4), rows] for at, rows in run.rows_seen],
        "failed_events": observations.failed_events,
        "pending_in_redis": observations.pending,
        "highest_count_in_redis": observations.highest_count,
        "users_with_two_coupons": len(repeated(row.user for row in observations.rows)),
    }


def by_outcome(responses: Sequence[ApplyResponse]) -> dict[str, list[ApplyResponse]]:
    """Return the responses by outcome, unexpected ones under OTHER; without empty groups."""
    groups: dict[str, list[ApplyResponse]] = {name: [] for name in (*EXPECTED, OTHER)}
    for response in responses:
        groups[response.outcome if response.expected else OTHER].append(response)
    return {name: group for name, group in groups.items() if group}


def latencies_ms(responses: Sequence[ApplyResponse]) -> dict[str, float]:
    """Return p50, p95, p99 and max of the latencies; an empty dict without responses."""
    latencies = sorted(response.latency_s for response in responses)
    if not latencies:
        return {}
    values = {f"p{p}": _ms(percentile(latencies, p)) for p in PERCENTILES}
    return values | {"max": _ms(latencies[-1])}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a measured value, not an interpolated one."""
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(1, rank) - 1]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
