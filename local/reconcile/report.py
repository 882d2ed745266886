"""What was found in one campaign: a table for the operator, or a line of JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handlers.domain.reconciliation.differences import Kind
from handlers.domain.reconciliation.repair import REMEDIES

if TYPE_CHECKING:
    from collections import Counter

    from handlers.domain.reconciliation.differences import Discrepancy
    from handlers.reconcile import ReconciliationReport

HEADER = ("KIND", "USER", "REDIS", "MYSQL", "")


def as_json(
    campaign_id: str, found: ReconciliationReport, repaired: Counter[Kind], *, with_repair: bool
) -> str:
    """Return one JSON object in one line; with --repair the counts are of what is left."""
    report = {
        "campaign_id": campaign_id,
        **found.to_json(),
        "truncated": found.total > len(found.first),
    }
    if with_repair:
        left = {kind: REMEDIES[kind] for kind in Kind if found.counts[kind]}
        report |= {"repaired": {kind: repaired[kind] for kind in Kind}, "left": left}
    return json.dumps(report)


def as_text(
    campaign_id: str, found: ReconciliationReport, repaired: Counter[Kind], *, with_repair: bool
) -> str:
    """Return a headline, the differences as a table, with --repair what is left, and the states."""
    number = f"{found.total:,}" if found.total else "nothing"
    lines = [f"{campaign_id}: {number} {'left' if repaired else 'found'}"]
    if repaired:
        lines.append(f"  repaired: {_listed(repaired)}")
    if found.total:
        lines += [f"  {_listed(found.counts)}", *_table(found.first)]
        if found.total > len(found.first):
            lines.append(f"  … and {found.total - len(found.first):,} more")
    if with_repair:
        lines += [f"  {kind} is left: {REMEDIES[kind]}" for kind in Kind if found.counts[kind]]
    if found.states.issued:
        lines.append(f"  coupons: {_states(found)}")
    return "\n".join(lines)


def _states(found: ReconciliationReport) -> str:
    counts = found.states.to_json()
    issued = counts.pop("issued")
    listed = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    return f"{issued:,} issued: {', '.join(listed)}"


def _listed(counts: Counter[Kind]) -> str:
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in Kind if counts[kind])


def _table(differences: list[Discrepancy]) -> list[str]:
    rows = [HEADER, *(_row(difference) for difference in differences)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    # Numbers are aligned to the right, so that their digits are below each other.
    aligned = ("<", "<", ">", ">", "<")
    return [
        "  "
        + "  ".join(
            f"{cell:{to}{width}}" for cell, to, width in zip(row, aligned, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _row(difference: Discrepancy) -> tuple[str, str, str, str, str]:
    return (
        difference.kind,
        difference.user_id or "-",
        str(difference.admitted_serial or "-"),
        str(difference.issued_serial or "-"),
        difference.detail,
    )
