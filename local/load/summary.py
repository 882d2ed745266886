"""The summary of a load test: a text for the terminal, JSON for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from local.harness.console import facts, results_panel
from local.harness.invariants import as_json
from local.harness.system_info import machine, versions
from local.load.responses import ISSUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from local.harness.invariants import CheckResult
    from local.load.session_log import LoadResult, Timing


def metrics(
    load: LoadResult, results: Sequence[CheckResult], lateness: Sequence[str] = ()
) -> dict[str, Any]:
    """Return everything that goes into the JSON file."""
    responses = [each for session in load.sessions for each in session.responses]
    codes_s = [
        session.seen_s for session in load.sessions if session.seen_s and session.state == ISSUED
    ]
    return {
        **as_json(results, lateness),
        "campaign_id": load.campaign_id,
        "people": len(load.sessions),
        "quantity": load.quantity,
        "looks": sum(session.looks for session in load.sessions),
        "presses": len(responses),
        "answers": dict(Counter(each.outcome for each in responses).most_common()),
        "last_code_after_s": round(max(codes_s), 3) if codes_s else None,
        "calls": [asdict(timing) for timing in load.timings],
        "versions": versions(),
        "machine": machine(),
    }


def summary(
    load: LoadResult, results: Sequence[CheckResult], lateness: Sequence[str] = ()
) -> RenderableType:
    """Return the same for any terminal from 80 columns up."""
    record = metrics(load, results, lateness)
    last_s = record["last_code_after_s"]
    head = Text.assemble(
        (f"{record['people']:,} users", "bold"),
        f" looked {record['looks']:,} times, and applied {record['presses']:,} times "
        f"for {record['quantity']:,} coupons",
    )
    last = "no user holds a code" if last_s is None else f"the last code was seen after {last_s} s"
    outcomes = facts("The responses to apply requests", list(record["answers"].items()))
    after = Text(f"From the opening on, {last}.", "dim")
    parts: list[RenderableType] = [head, after, "", outcomes, "", _times(load.timings)]
    return results_panel(load.campaign_id, parts, results, lateness)


def _times(timings: Sequence[Timing]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("How long each call took, ms", no_wrap=True)
    for name in ("calls", "failed", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    for each in timings:
        times = (f"{ms:,.0f}" for ms in (each.p50_ms, each.p95_ms, each.p99_ms, each.max_ms))
        table.add_row(each.name, f"{each.count:,}", f"{each.failures:,}", *times)
    return table
