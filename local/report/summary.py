"""The report in words, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.domain import times
from handlers.domain.coupon_state import CouponState
from handlers.domain.histogram import quantile

if TYPE_CHECKING:
    from collections import Counter

    from handlers.domain.campaign_report import CampaignReport
    from handlers.domain.refusal_counts import Refusals

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
# From so many of a unit on it is the one to read in.
UNITS = (
    (2 * DAY_MS, DAY_MS, "days"),
    (2 * HOUR_MS, HOUR_MS, "hours"),
    (2 * MINUTE_MS, MINUTE_MS, "minutes"),
    (SECOND_MS, SECOND_MS, "seconds"),
)


def unit_of(span_ms: int) -> tuple[int, str]:
    """Return the milliseconds and the name of the unit in which a span is read best."""
    for least_ms, unit_ms, name in UNITS:
        if abs(span_ms) >= least_ms:
            return unit_ms, name
    return 1, "ms"


def duration(span_ms: int | None) -> str:
    """Return for example "2.5 seconds"; "none" where there is nothing to measure."""
    if span_ms is None:
        return "none"
    unit_ms, name = unit_of(span_ms)
    return f"{span_ms / unit_ms:,.4g} {name}" if unit_ms > 1 else f"{span_ms:,} ms"


def sold_out(report: CampaignReport) -> str:
    """Return a clause on when the quantity was given."""
    if report.sold_out_after_ms is None:
        return "not sold out"
    return f"sold out {duration(report.sold_out_after_ms)} after the opening"


def summary(campaign_id: str, report: CampaignReport, refusals: Refusals | None) -> str:
    """Return some lines."""
    given = report.states.total()
    states = ", ".join(f"{report.states[state]:,} {state}" for state in CouponState)
    lines = [
        f"{campaign_id}: {given:,} coupons of {report.quantity:,}, {sold_out(report)}",
        f"  opened               {times.to_iso(report.opens_at_ms)}",
        f"  states               {states}",
        f"  admission to issue   {_delay(report.issued_in)}",
        f"  issue to redemption  {_delay(report.used_in)}",
        f"  refused              {_refused(refusals)}",
    ]
    return "\n".join(lines)


def _refused(refusals: Refusals | None) -> str:
    if refusals is None:
        return "unknown: Redis gives no answer"
    if refusals.since_ms is None:
        return "none counted"
    counts = ", ".join(f"{count:,} {reason}" for reason, count in refusals.by_reason.items())
    return f"{counts} (counted since {times.to_iso(refusals.since_ms)})"


def _delay(counted: Counter[int]) -> str:
    if not counted:
        return "none"
    return f"median {duration(quantile(counted, 0.5))}, p95 {duration(quantile(counted, 0.95))}"
