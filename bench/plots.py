"""The pictures of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from local.demonstration.plot import INK, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.harness import Measured

OURS, BASELINE = "#0072B2", "#999999"  # of Okabe and Ito's palette, as in the demo's picture
ROW_INCHES = 0.34
GROWTH = {
    "per_s": "applications per second",
    "p99_ms": "p99, ms",
    "redis_bytes_per_accepted": "Redis bytes per accepted user",
}


def throughput(file: Path, results: Sequence[Measured]) -> None:
    """Draw a panel for each case: a bar to each median, a dot for each trial."""
    rows = [len(each.trials) for each in results]
    with mpl.rc_context(STYLE):
        height = sum(rows) * ROW_INCHES + len(rows) * 0.9
        figure = Figure(figsize=(9, height), layout="constrained")
        panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=rows)[:, 0]
        for axes, measured in zip(panels, results, strict=True):
            case = measured.case
            names = list(measured.trials)
            medians = [measured.spread(name, case.metric).median for name in names]
            colours = [BASELINE if name == case.baseline else OURS for name in names]
            axes.barh(names, medians, color=colours, height=0.6)
            for name in names:
                values = measured.trials[name][case.metric]
                axes.plot(values, [name] * len(values), "o", color=INK, markersize=3)
            axes.invert_yaxis()
            axes.set(title=f"{case.title}: {case.metric}", xlim=(0, None))
        figure.savefig(file)


def growth(file: Path, measured: Measured) -> None:
    """Draw throughput, p99 and memory over the size of the crowd."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.4), layout="constrained")
        panels = figure.subplots(1, len(GROWTH))
        for axes, (metric, label) in zip(panels, GROWTH.items(), strict=True):
            for few, line in ((True, "--"), (False, "-")):
                points = sorted(_points(measured, metric, few=few))
                name = "100 coupons" if few else "coupons for half of them"
                axes.plot(*zip(*points, strict=True), line, marker="o", color=OURS, label=name)
            axes.set(title=label, xlabel="applicants", xscale="log", ylim=(0, None))
        panels[0].legend()
        figure.savefig(file)


def _points(measured: Measured, metric: str, *, few: bool) -> list[tuple[float, float]]:
    points = []
    for name in measured.trials:
        people = measured.spread(name, "people").median
        quantity = measured.spread(name, "quantity").median
        if (quantity * 2 != people) == few:
            points.append((people, measured.spread(name, metric).median))
    return points
