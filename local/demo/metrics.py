"""The figures of a run: pure functions over what was recorded."""

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
    evidence: Observations
    connections: int
    rows_seen: Sequence[tuple[float, int]]  # (when, rows in MySQL) at each change
    rows_complete_s: float | None  # None: they never were

    @property
    def duration_s(self) -> float:
        """When the last answer was there."""
        return max((answer.latency_s for answer in self.evidence.responses), default=0.0)


def metrics(run: Run) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    evidence, answers = run.evidence, run.evidence.responses
    outcomes = Counter(answer.outcome for answer in answers)
    return {
        "campaign_id": run.campaign_id,
        "servers": run.servers,
        "quantity": evidence.quantity,
        "people": evidence.people,
        "presses": evidence.requests,
        "connections": run.connections,
        "sent_within_ms": _ms(max((a.sent_s for a in answers), default=0.0)),
        "answers": {name: outcomes[name] for name in EXPECTED}
        | {name: count for name, count in outcomes.most_common() if name not in EXPECTED},
        "errors": sum(not answer.expected for answer in answers),
        "latency_measured": "from the start signal, at which everybody pressed, to the answer",
        "latency_ms": {"all": latencies_ms(answers)}
        | {name: latencies_ms(some) for name, some in by_outcome(answers).items()},
        "answered_within_s": round(run.duration_s, 4),
        "answers_per_s": round(len(answers) / run.duration_s, 1) if run.duration_s else None,
        "rows_due": evidence.coupons_due,
        "rows_in_mysql": len(evidence.rows),
        "rows_complete_after_s": run.rows_complete_s and round(run.rows_complete_s, 4),
        "rows_complete_measured": MEASURED,
        "rows_seen": [[round(at, 4), rows] for at, rows in run.rows_seen],
        "failed_events": evidence.failed_events,
        "pending_in_redis": evidence.pending,
        "highest_count_in_redis": evidence.highest_count,
        "users_with_two_coupons": len(repeated(row.user for row in evidence.rows)),
    }


def by_outcome(answers: Sequence[ApplyResponse]) -> dict[str, list[ApplyResponse]]:
    """Return the answers by outcome, the unexpected ones together; only what occurred."""
    groups: dict[str, list[ApplyResponse]] = {name: [] for name in (*EXPECTED, OTHER)}
    for answer in answers:
        groups[answer.outcome if answer.expected else OTHER].append(answer)
    return {name: group for name, group in groups.items() if group}


def latencies_ms(answers: Sequence[ApplyResponse]) -> dict[str, float]:
    """Return p50, p95, p99 and max of the latencies; nothing for no answers."""
    latencies = sorted(answer.latency_s for answer in answers)
    if not latencies:
        return {}
    values = {f"p{p}": _ms(percentile(latencies, p)) for p in PERCENTILES}
    return values | {"max": _ms(latencies[-1])}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a value that occurred, not one between two."""
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(1, rank) - 1]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
