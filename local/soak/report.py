"""The results of a soak: JSON, a plot, and a table for the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.table import Table

from local.harness.plot_style import STYLE
from local.soak.leak_check import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.soak.leak_check import Growth
    from local.soak.samples import Sampler

METRICS, PLOT = "soak.json", "soak.svg"


def write(folder: Path, sampler: Sampler, record: dict[str, Any]) -> None:
    """Write JSON and plot into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record | {"samples": sampler.taken}, indent=1)
    (folder / METRICS).write_text(text + "\n", encoding="utf-8")
    draw(folder / PLOT, sampler)


def draw(file: Path, sampler: Sampler) -> None:
    """Draw memory, files, Redis and pending over time."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 7), layout="constrained")
        (memory, files), (redis, pending) = figure.subplots(2, 2, sharex=True)
        for name in sampler.taken[0]["programs"]:
            mebibytes = [value / MIB for value in sampler.series(name, "rss_bytes")]
            memory.plot(sampler.times_s, mebibytes, label=name)
            files.plot(sampler.times_s, sampler.series(name, "files"), label=name)
        redis.plot(sampler.times_s, [each["redis_bytes"] / MIB for each in sampler.taken])
        pending.plot(sampler.times_s, [each["pending"] for each in sampler.taken])
        memory.set(title="Resident memory of each program, MiB", ylim=(0, None))
        files.set(title="Open files of each program", ylim=(0, None))
        redis.set(title="Redis, MiB", xlabel="seconds", ylim=(0, None))
        pending.set(title="Admitted and not yet settled", xlabel="seconds", ylim=(0, None))
        memory.legend()
        figure.savefig(file)


def table(growths: Sequence[Growth]) -> Table:
    """Return what each program used, and how far it grew."""
    shown = Table(title="After the warm-up", title_justify="left")
    for column in ("program", "measure", "first", "last", "rise", "allowed", ""):
        shown.add_column(column, justify="left" if column in {"program", "measure"} else "right")
    for each in growths:
        in_mib = each.measure == "rss_bytes"
        unit, name = (MIB, "memory, MiB") if in_mib else (1, each.measure)
        numbers = (each.first, each.last, each.rise, each.rise_max)
        mark = "[green]✓[/green]" if each.is_bounded else "[red]✗[/red]"
        shown.add_row(each.program, name, *(f"{number / unit:,.1f}" for number in numbers), mark)
    return shown
