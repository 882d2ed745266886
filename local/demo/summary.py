"""The summary that a person reads at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from local.harness.invariants import CheckResult

TOLD = {ACCEPTED: "accepted", SOLD_OUT: "sold out", ALREADY_APPLIED: "already applied"}
# The terminal's own green and red; the marks say the same without colour.
KEPT, BROKEN = Text("✓", "green"), Text("✗", "bold red")


def summary(metrics: Mapping[str, Any], findings: Sequence[CheckResult]) -> RenderableType:
    """Return what `figures` and `findings` say, for any terminal from 80 columns up."""
    kept = all(finding.kept for finding in findings)
    head = Text.assemble(
        (f"{metrics['people']:,} people", "bold"),
        f" pressed {metrics['presses']:,} times at once for {metrics['quantity']:,} coupons",
        (f" (sent within {metrics['sent_within_ms']:,.0f} ms)", "dim"),
    )
    end = (
        Text("Every promise was kept.", "bold green")
        if kept
        else Text("Not every promise was kept.", "bold red")
    )
    return Panel(
        Group(head, "", _columns(metrics), "", promises(findings), "", end),
        title="seonchak",
        title_align="left",
        border_style="green" if kept else "red",
        box=box.ROUNDED,
        padding=(1, 2),
        expand=False,
    )


def _columns(metrics: Mapping[str, Any]) -> Columns:
    """Return three tables, side by side where the terminal is wide enough."""
    latency = metrics["latency_ms"]["all"]
    complete_s = metrics["rows_complete_after_s"]
    told = [(TOLD[name], metrics["answers"][name]) for name in TOLD]
    fast = [(name, _ms(latency.get(name))) for name in ("p50", "p95", "p99", "max")]
    stands = [
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
            facts("What people were told", [*told, ("errors", metrics["errors"])]),
            facts(
                "How fast", [*fast, ("answers per second", round(metrics["answers_per_s"] or 0))]
            ),
            facts("What stands", stands),
        ],
        padding=(0, 3),
    )


def facts(title: str, pairs: Sequence[tuple[str, object]]) -> Table:
    """Return names and values under a title."""
    table = Table(box=None, show_header=True, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(title, no_wrap=True)
    table.add_column("", justify="right", style="bold", no_wrap=True)
    for name, value in pairs:
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    return table


def promises(findings: Sequence[CheckResult]) -> Table:
    """Return one line for each promise: kept or not, what was seen, what speaks against it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        seen = Text.assemble((finding.seen, "dim"))
        for difference in finding.differences:
            seen.append(f"\n{difference}", "red")
        table.add_row(KEPT if finding.kept else BROKEN, finding.promise, seen)
    return table


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f} ms"
