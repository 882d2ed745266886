"""The pictures of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, StrMethodFormatter

from bench.cases.growth import BYTES, BYTES_MAX
from bench.report import number
from local.harness.plot_style import INK, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.harness import Measured

# From Okabe and Ito's palette, as in the demo's picture.
OURS, OURS_TOO, BASELINE = "#0072B2", "#E69F00", "#999999"
ROW_INCHES = 0.34
HEADROOM = 1.12  # for the number behind the longest bar
WORDS = {
    "per_s": "per second",
    "rows_complete_s": "seconds until the last row",
    "cpu_ms": "ms of the processor",
    "cpu_us": "µs of the processor",
}
GROWTH = {
    "per_s": "applications per second",
    "p99_ms": "p99, ms",
    BYTES: "Redis bytes per accepted user",
}


def throughput(file: Path, results: Sequence[Measured]) -> None:
    """Draw a panel for each case: a bar for each median, a dot for each trial."""
    rows = [len(each.trials) for each in results]
    with mpl.rc_context(STYLE):
        height = sum(rows) * ROW_INCHES + len(rows) * 0.9
        figure = Figure(figsize=(9, height), layout="constrained")
        panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
        for axes, measured in zip(panels, results, strict=True):
            _bars(axes, measured)
        figure.savefig(file)


def _bars(axes: Axes, measured: Measured) -> None:
    case, names = measured.case, list(measured.trials)
    medians = [measured.spread(name, case.metric).median for name in names]
    colours = [BASELINE if name == case.baseline else OURS for name in names]
    bars = axes.barh(names, medians, color=colours, height=0.6)
    highest = max(max(measured.trials[name][case.metric]) for name in names)
    for name, bar, median in zip(names, bars, medians, strict=True):
        values = measured.trials[name][case.metric]
        axes.plot(values, [name] * len(values), "o", color=INK, markersize=3)
        beyond = max(values) + highest * 0.015
        axes.text(beyond, bar.get_y() + bar.get_height() / 2, number(median), va="center")
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    metric = WORDS.get(case.metric, case.metric)
    axes.set(title=f"{case.title}: {metric}", xlim=(0, highest * HEADROOM or 1))


def growth(file: Path, measured: Measured) -> None:
    """Draw throughput, p99 and memory over the number of users."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.8), layout="constrained")
        panels = figure.subplots(1, len(GROWTH))
        panels[-1].axhline(BYTES_MAX, color=INK, linestyle=":", label="goal, at most")
        for axes, (metric, label) in zip(panels, GROWTH.items(), strict=True):
            _lines(axes, measured, metric)
            axes.set(title=label, xlabel="applicants", xscale="log", ylim=(0, None))
            axes.minorticks_off()
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        figure.savefig(file)


def _lines(axes: Axes, measured: Measured, metric: str) -> None:
    for few, line, colour in ((True, "--", OURS_TOO), (False, "-", OURS)):
        users, values = zip(*sorted(_points(measured, metric, few=few)), strict=True)
        name = "100 coupons" if few else "coupons for half of them"
        axes.plot(users, values, line, marker="o", color=colour, label=name)
        axes.set_xticks(users)


def _points(measured: Measured, metric: str, *, few: bool) -> list[tuple[float, float]]:
    points = []
    for name in measured.trials:
        users = measured.spread(name, "people").median
        quantity = measured.spread(name, "quantity").median
        if (quantity * 2 != users) == few:
            points.append((users, measured.spread(name, metric).median))
    return points
