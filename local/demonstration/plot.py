"""The run as a picture: answers over time, and how long people waited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from local.demonstration.answers import ACCEPTED, ALREADY_APPLIED, SOLD_OUT
from local.demonstration.figures import OTHER, PERCENTILES, by_outcome, percentile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from local.demonstration.answers import Answer
    from local.demonstration.figures import Run

# Okabe and Ito's palette: told apart by colour-blind people too; the lines differ besides.
COLOURS = {
    ACCEPTED: "#009E73",
    ALREADY_APPLIED: "#0072B2",
    SOLD_OUT: "#E69F00",
    OTHER: "#D55E00",
}
LINES = {ACCEPTED: "-", ALREADY_APPLIED: "--", SOLD_OUT: "-.", OTHER: ":"}
LABELS = {
    ACCEPTED: "accepted",
    ALREADY_APPLIED: "already applied",
    SOLD_OUT: "sold out",
    OTHER: "anything else",
}
INK = "#333333"
BINS = 48
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: small, and searchable
}


def draw(run: Run, *files: Path) -> None:
    """Write the picture to each of `files`, in the format of its suffix."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        groups = by_outcome(run.evidence.answers)
        _answers_over_time(left, run, groups)
        _latencies(right, run.evidence.answers, groups)
        evidence = run.evidence
        figure.suptitle(
            f"{evidence.people:,} people, {evidence.presses:,} presses at once, "
            f"{evidence.quantity:,} coupons",
            fontsize=13,
        )
        for file in files:
            figure.savefig(file, dpi=150)


def _answers_over_time(axes: Axes, run: Run, groups: Mapping[str, Sequence[Answer]]) -> None:
    rows_at = run.rows_complete_s
    end = max(run.duration_s, rows_at or 0.0, *(at for at, _ in run.rows_seen), 0.001)
    axes.hist(
        [[answer.answered_s for answer in group] for group in groups.values()],
        bins=BINS,
        range=(0, end),
        stacked=True,
        color=[COLOURS[name] for name in groups],
        label=[f"{len(group):,} {LABELS[name]}" for name, group in groups.items()],
    )
    axes.set(
        title="Answers over time",
        xlabel="seconds since the start signal",
        ylabel=f"answers in {end / BINS * 1000:.0f} ms",
        xlim=(0, end * 1.02),
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    rows = axes.twinx()
    rows.spines["right"].set_visible(True)
    times = [0.0, *(at for at, _ in run.rows_seen), end]
    counts = [0, *(count for _, count in run.rows_seen)]
    rows.step(
        times, [*counts, counts[-1]], where="post", color=INK, linewidth=1.6, label="rows in MySQL"
    )
    rows.set(ylabel="rows in MySQL", ylim=(0, run.evidence.coupons_due * 1.25))
    rows.yaxis.set_major_locator(MaxNLocator(integer=True))
    if rows_at is not None:
        rows.annotate(
            f"row {run.evidence.coupons_due:,} after {rows_at:.2f} s",
            (rows_at, run.evidence.coupons_due),
            xytext=(0, 7),
            textcoords="offset points",
            ha="right",
        )
    handles = [*axes.get_legend_handles_labels()[0], *rows.get_legend_handles_labels()[0]]
    labels = [*axes.get_legend_handles_labels()[1], *rows.get_legend_handles_labels()[1]]
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)


def _latencies(
    axes: Axes, answers: Sequence[Answer], groups: Mapping[str, Sequence[Answer]]
) -> None:
    for name, group in groups.items():
        latencies = [answer.latency_s * 1000 for answer in group]
        axes.ecdf(
            latencies, color=COLOURS[name], linestyle=LINES[name], linewidth=2, label=LABELS[name]
        )
    ordered = sorted(answer.latency_s * 1000 for answer in answers)
    for percent in PERCENTILES if ordered else ():
        value = percentile(ordered, percent)
        axes.plot([0, value], [percent / 100] * 2, color=INK, linewidth=0.6, alpha=0.5)
        axes.plot([value], [percent / 100], ".", color=INK)
    axes.set(
        title="How long the answer took",
        xlabel="milliseconds, from the press to the answer",
        ylabel="part of the answers",
        xlim=(0, None),
        ylim=(0, 1.02),
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.0%}"))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)
