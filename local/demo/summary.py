"""The summary that the demo prints at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.text import Text

from local.harness.console import facts, results_panel
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from local.harness.invariants import CheckResult

OUTCOMES = {ACCEPTED: "accepted", SOLD_OUT: "sold out", ALREADY_APPLIED: "already applied"}


def summary(
    metrics: Mapping[str, Any], results: Sequence[CheckResult], lateness: Sequence[str] = ()
) -> RenderableType:
    """Return `metrics` and `results` as text, for any terminal from 80 columns up."""
    head = Text.assemble(
        (f"{metrics['people']:,} users", "bold"),
        f" applied {metrics['presses']:,} times at once for {metrics['quantity']:,} coupons",
        (f" (sent within {metrics['sent_within_ms']:,.0f} ms)", "dim"),
    )
    return results_panel("seonchak", [head, "", _columns(metrics)], results, lateness)


def _columns(metrics: Mapping[str, Any]) -> Columns:
    """Return three tables, side by side where the terminal is wide enough."""
    latency = metrics["latency_ms"]["all"]
    complete_s = metrics["rows_complete_after_s"]
    outcomes = [(OUTCOMES[name], metrics["answers"][name]) for name in OUTCOMES]
    latencies = [(name, _ms(latency.get(name))) for name in ("p50", "p95", "p99", "max")]
    final_state = [
        ("rows in MySQL", metrics["rows_in_mysql"]),
        (
            f"time to row {metrics['rows_due']:,}",
            "never" if complete_s is None else f"{complete_s:.2f} s",
        ),
        ("users with two coupons", metrics["users_with_two_coupons"]),
        ("failed events", metrics["failed_events"]),
        ("highest count in Redis", metrics["highest_count_in_redis"]),
    ]
    return Columns(
        [
            facts("Responses", [*outcomes, ("errors", metrics["errors"])]),
            facts("Latency", [*latencies, ("responses/s", round(metrics["answers_per_s"] or 0))]),
            facts("Final state", final_state),
        ],
        padding=(0, 3),
    )


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f} ms"
