"""The summary of a day: for people on a terminal, for programs as JSON."""

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


def metrics(day: LoadResult, findings: Sequence[CheckResult]) -> dict[str, Any]:
    """Return everything that goes into the JSON file."""
    answers = [answer for session in day.sessions for answer in session.answers]
    codes_s = [
        session.seen_s for session in day.sessions if session.seen_s and session.state == ISSUED
    ]
    return {
        **as_json(findings),
        "campaign_id": day.campaign_id,
        "people": len(day.sessions),
        "quantity": day.quantity,
        "looks": sum(session.looks for session in day.sessions),
        "presses": len(answers),
        "answers": dict(Counter(answer.outcome for answer in answers).most_common()),
        "last_code_after_s": round(max(codes_s), 3) if codes_s else None,
        "calls": [asdict(timing) for timing in day.timings],
        "versions": versions(),
        "machine": machine(),
    }


def summary(day: LoadResult, findings: Sequence[CheckResult]) -> RenderableType:
    """Return the same for any terminal from 80 columns up."""
    told = metrics(day, findings)
    last_s = told["last_code_after_s"]
    head = Text.assemble(
        (f"{told['people']:,} people", "bold"),
        f" looked {told['looks']:,} times, and pressed {told['presses']:,} times "
        f"for {told['quantity']:,} coupons",
    )
    last = "nobody holds a code" if last_s is None else f"the last code was seen after {last_s} s"
    outcomes = facts("What a press was answered with", list(told["answers"].items()))
    after = Text(f"From the opening on, {last}.", "dim")
    parts: list[RenderableType] = [head, after, "", outcomes, "", _times(day.timings)]
    return results_panel(day.campaign_id, parts, findings)


def _times(timings: Sequence[Timing]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("How long each call took, ms", no_wrap=True)
    for name in ("calls", "failed", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    for each in timings:
        times = (f"{ms:,.0f}" for ms in (each.p50_ms, each.p95_ms, each.p99_ms, each.max_ms))
        table.add_row(each.name, f"{each.count:,}", f"{each.failures:,}", *times)
    return table
