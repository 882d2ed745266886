"""The picture of a report: given and redeemed over time, refusals, what the coupons are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from handlers.domain.coupon_state import CouponState
from local.harness.plot_style import INK, STYLE
from local.report.summary import duration, sold_out, unit_of

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from handlers.domain.campaign_report import CampaignReport
    from handlers.domain.histogram import TimeHistogram
    from handlers.domain.refusal_counts import Refusals

# Okabe and Ito's palette, as in the demo; hatches tell the states apart without colour.
GIVEN, REDEEMED, REFUSED = "#009E73", "#0072B2", "#E69F00"
COLOURS: dict[CouponState, tuple[str, str]] = {
    CouponState.ISSUED: ("#009E73", ""),
    CouponState.RESERVED: ("#56B4E9", "//"),
    CouponState.USED: ("#0072B2", "xx"),
    CouponState.EXPIRED: ("#E69F00", ".."),
    CouponState.REVOKED: ("#CC79A7", "\\\\"),
}
BARS = 60
# A part that is narrower has its number in the legend alone.
LABELLED_SHARE = 0.06


def draw(campaign_id: str, report: CampaignReport, refusals: Refusals | None, *files: Path) -> None:
    """Write the picture to each of `files`, in the format of its suffix."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(14, 6), layout=ConstrainedLayoutEngine(hspace=0.06, wspace=0.06))
        axes: dict[str, Axes] = figure.subplot_mosaic(
            [["given", "redeemed", "refused"], ["states"] * 3],
            height_ratios=(4, 1),
            width_ratios=(4, 4, 3),
        )
        _over_time(axes["given"], report.given, report.opens_at_ms, ("given", GIVEN))
        _over_time(axes["redeemed"], report.redeemed, report.opens_at_ms, ("redeemed", REDEEMED))
        _refused(axes["refused"], refusals)
        _states(axes["states"], report)
        total, quantity = report.states.total(), report.quantity
        title = f"{campaign_id}: {total:,} coupons of {quantity:,}, {sold_out(report)}"
        figure.suptitle(title, fontsize=14, fontweight="bold")
        for file in files:
            figure.savefig(file, dpi=150)


def _over_time(
    axes: Axes, histogram: TimeHistogram, opens_at_ms: int, look: tuple[str, str]
) -> None:
    """Draw how many in each part of the time (bars), and how many so far (line)."""
    word, colour = look
    buckets = histogram.buckets()
    if not buckets:
        axes.set(title=f"None {word} yet", xticks=[], yticks=[])
        return
    starts = [at_ms - opens_at_ms for at_ms, _ in buckets]
    counts = [count for _, count in buckets]
    first_ms, last_ms = min(0, starts[0]), starts[-1] + histogram.width_ms
    unit_ms, unit = unit_of(max(last_ms, -first_ms))
    bars = min(BARS, -(-(last_ms - first_ms) // histogram.width_ms))
    axes.hist(
        [start / unit_ms for start in starts],
        bins=bars,
        range=(first_ms / unit_ms, last_ms / unit_ms),
        weights=counts,
        color=colour,
    )
    axes.set(
        title=f"{sum(counts):,} {word}",
        xlabel=f"{unit} since the opening",
        ylabel=f"{word} in each {duration(round((last_ms - first_ms) / bars))} (bars)",
        xlim=(first_ms / unit_ms, last_ms / unit_ms),
    )
    _whole_numbers(axes.yaxis)
    so_far = axes.twinx()
    # A bucket is sure to be complete at its end.
    ends = [(start + histogram.width_ms) / unit_ms for start in starts]
    sums = [sum(counts[: index + 1]) for index in range(len(counts))]
    so_far.step([first_ms / unit_ms, *ends], [0, *sums], where="post", color=INK, linewidth=1.8)
    so_far.spines["right"].set_visible(True)
    so_far.set(ylabel=f"{word} so far (line)", ylim=(0, sums[-1] * 1.1))
    _whole_numbers(so_far.yaxis)


def _whole_numbers(axis: Any) -> None:
    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _refused(axes: Axes, refusals: Refusals | None) -> None:
    """Draw how many applications were refused for each reason."""
    counts = dict(refusals.by_reason) if refusals else {}
    if not counts:
        title = "No refusal counted" if refusals else "Refusals: Redis gives no answer"
        axes.set(title=title, xticks=[], yticks=[])
        return
    rows = sorted(counts.items(), key=lambda row: row[1])
    axes.barh(range(len(rows)), [count for _, count in rows], height=0.4, color=REFUSED)
    for row, (reason, count) in enumerate(rows):
        # Above its bar: beside it, a long name would take the width of the bars.
        axes.text(0, row + 0.25, f" {count:,} {reason}", color=INK)
    axes.set(title=f"{sum(counts.values()):,} refused", xticks=[], yticks=[])
    axes.set_ylim(-0.6, max(len(rows), 4) - 0.2)
    axes.spines["bottom"].set_visible(False)


def _states(axes: Axes, report: CampaignReport) -> None:
    """Draw all coupons as one bar, in parts by state."""
    total = report.states.total()
    left = 0
    for state, (colour, hatch) in COLOURS.items():
        count = report.states[state]
        bar = axes.barh(
            0,
            count,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=f"{count:,} {state.lower()}",
        )
        if total and count / total >= LABELLED_SHARE:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
            axes.bar_label(bar, [f"{count:,}"], label_type="center", color=INK, bbox=box)
        left += count
    axes.set(title="The coupons now", xlim=(0, total or 1), yticks=[], xticks=[])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=len(COLOURS))
