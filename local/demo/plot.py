"""The picture of a run: responses over time, and how long users waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from local.demo.metrics import OTHER, by_outcome, latencies_ms
from local.harness.plot_style import INK, STYLE
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from local.demo.metrics import Run
    from local.harness.responses import ApplyResponse

    Groups = Mapping[str, Sequence[ApplyResponse]]

# Okabe and Ito's palette: colour-blind people can distinguish it, and the line styles differ too.
COLOURS = {
    ACCEPTED: "#009E73",
    ALREADY_APPLIED: "#0072B2",
    SOLD_OUT: "#E69F00",
    OTHER: "#CC79A7",
}
LINES: dict[str, Any] = {ACCEPTED: "-", ALREADY_APPLIED: "--", SOLD_OUT: "-.", OTHER: ":"}
LABELS = {
    ACCEPTED: "accepted",
    ALREADY_APPLIED: "already applied",
    SOLD_OUT: "sold out",
    OTHER: "anything else",
}
BINS = 50
# The axis needs a length above 0; every run takes more than a millisecond.
END_S_MIN = 0.001


def draw(run: Run, *files: Path) -> None:
    """Write the picture to each of `files`, in the format of its suffix."""
    groups = by_outcome(run.observations.responses)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 5), layout=ConstrainedLayoutEngine(wspace=0.08))
        left, right = figure.subplots(1, 2, width_ratios=(4, 3))
        _responses_over_time(left, run, groups)
        _latencies(right, run.observations.responses, groups)
        figure.suptitle(_title(run), fontsize=14, fontweight="bold")
        figure.legend(
            handles=_handles(groups), loc="outside lower center", ncols=5, handlelength=3.2
        )
        for file in files:
            figure.savefig(file, dpi=150)


def _title(run: Run) -> str:
    observations = run.observations
    return (
        f"{observations.people:,} users apply {observations.requests:,} times at once "
        f"for {observations.quantity:,} coupons"
    )


def _responses_over_time(axes: Axes, run: Run, groups: Groups) -> None:
    end_s = max(run.duration_s, *(at for at, _ in run.rows_seen), END_S_MIN)
    axes.hist(
        [[response.latency_s for response in group] for group in groups.values()],
        bins=BINS,
        range=(0, end_s),
        stacked=True,
        color=[COLOURS[name] for name in groups],
    )
    axes.set(
        title=f"Responses over time; {_about_rows(run)}",
        xlabel="seconds since the start signal",
        ylabel=f"responses in each {end_s / BINS * 1000:.0f} ms (bars)",
        xlim=(0, end_s * 1.02),
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _rows(axes.twinx(), run, end_s)


def _about_rows(run: Run) -> str:
    if run.rows_complete_s is None:
        return f"{len(run.observations.rows):,} rows in MySQL"
    return f"row {run.observations.coupons_due:,} in MySQL after {run.rows_complete_s:.2f} s"


def _rows(axes: Axes, run: Run, end_s: float) -> None:
    times = [0.0, *(at for at, _ in run.rows_seen)]
    counts = [0, *(count for _, count in run.rows_seen)]
    axes.step([*times, end_s], [*counts, counts[-1]], where="post", color=INK, linewidth=1.8)
    axes.spines["right"].set_visible(True)
    axes.set(ylabel="rows in MySQL (line)", ylim=(0, run.observations.coupons_due * 1.15))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _latencies(axes: Axes, responses: Sequence[ApplyResponse], groups: Groups) -> None:
    for name, group in groups.items():
        milliseconds = [response.latency_s * 1000 for response in group]
        axes.ecdf(milliseconds, color=COLOURS[name], linestyle=LINES[name], linewidth=2.2)
    percentiles = ", ".join(
        f"{name} {value:,.0f}" for name, value in latencies_ms(responses).items() if name != "max"
    )
    axes.set(
        title=f"Latency {percentiles} ms",
        xlabel="milliseconds from the start signal to the response",
        ylabel="share of responses",
        xlim=(0, None),
        ylim=(0, 1.02),
    )
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0%}"))
    axes.grid(alpha=0.3)


def _handles(groups: Groups) -> list[Line2D]:
    """Return one legend for both panels: they share the colours."""
    outcomes = [
        Line2D(
            [],
            [],
            color=COLOURS[name],
            linestyle=LINES[name],
            linewidth=4,
            label=f"{len(group):,} {LABELS[name]}",
        )
        for name, group in groups.items()
    ]
    return [*outcomes, Line2D([], [], color=INK, linewidth=1.8, label="rows in MySQL")]
