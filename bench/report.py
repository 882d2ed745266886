"""The measurements, as JSON for programs and as Markdown for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.harness import FAILURES
from bench.processor_time import COLUMNS, METRIC
from local.harness.system_info import machine, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.harness import Goal, Measured, Scale

JSON, MARKDOWN = "bench.json", "bench.md"
DIGITS_FROM = 100  # from here on, decimals mean nothing


def write(folder: Path, results: Sequence[Measured], scale: Scale, took_s: int) -> None:
    """Write both files into `folder`."""
    record = {
        "machine": machine(),
        "versions": versions(),
        "rounds": scale.rounds,
        "seconds": scale.seconds,
        "quick": scale.quick,
        "took_s": took_s,
        "cases": {each.case.name: _record(each) for each in results},
    }
    (folder / JSON).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / MARKDOWN).write_text("\n".join(_page(results, record)) + "\n", encoding="utf-8")


def about(measured: Measured) -> list[str]:
    """Return the report on one case, as Markdown."""
    used = processor_table(measured)
    findings = [*goals(measured), *_failures(measured)]
    return [*table(measured), "", *used, *([""] if used else []), *findings]


def table(measured: Measured) -> list[str]:
    """Return one case as a Markdown table: medians, spread, ratio to the baseline."""
    case = measured.case
    beside = " / ".join(case.beside)
    lines = [
        f"| {case.title} | {case.metric} | least to most | of the baseline | {beside} |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for variant in measured.trials:
        median, least, most = measured.spread(variant, case.metric)
        ratio = measured.ratio(variant, case.baseline, case.metric) if case.baseline else None
        shown = "" if ratio is None or variant == case.baseline else f"{ratio.median:.2f}"
        lines.append(
            f"| {variant} | {number(median)} | {number(least)} to {number(most)} "
            f"| {shown} | {_beside(measured, variant)} |"
        )
    return lines


def processor_table(measured: Measured) -> list[str]:
    """Return the CPU use of each program as a table; [] where it was not measured."""
    counted = {name for metrics in measured.trials.values() for name in metrics}
    columns = [name for name in COLUMNS if name in counted]
    if not columns:
        return []
    heads = [name.removeprefix(METRIC) for name in columns]
    lines = [_row("CPU µs per request", heads), _row("---", ["---:"] * len(heads))]
    for variant, metrics in measured.trials.items():
        known = (
            measured.spread(variant, name).median if name in metrics else None for name in columns
        )
        lines.append(_row(variant, ["" if each is None else number(each) for each in known]))
    return lines


def goals(measured: Measured) -> list[str]:
    """Return one line for each goal of a measured variant: met or missed, and the value.

    A goal whose baseline or metric is not to be had on this machine is named as not measured.
    """
    of_these = (goal for goal in measured.case.goals if goal.variant in measured.trials)
    return [_goal(measured, goal) for goal in of_these]


def number(value: float) -> str:
    """Return a number with its significant digits only."""
    return f"{value:,.0f}" if value >= DIGITS_FROM else f"{value:.3g}"


def _goal(measured: Measured, goal: Goal) -> str:
    subject = f"{goal.variant}, {goal.metric}" + (f" / {goal.against}" if goal.against else "")
    bound = f"{subject} {'≤' if goal.at_most else '≥'} {goal.bound:,}"
    if not measured.has(goal):
        return f"- not measured: {bound}"
    value, met = measured.reached(goal)
    return f"- {'met' if met else '**missed**'}: {bound}: {number(value)}"


def _median(measured: Measured, variant: str, name: str) -> str:
    known = name in measured.trials[variant]
    return number(measured.spread(variant, name).median) if known else ""


def _row(head: str, cells: Sequence[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |"


def _beside(measured: Measured, variant: str) -> str:
    medians = [_median(measured, variant, name) for name in measured.case.beside]
    return " / ".join(medians) if all(medians) else ""


def _failures(measured: Measured) -> Iterator[str]:
    yield f"- wrong or lost answers: {measured.failures:,}"
    for variant in measured.case.for_the_record:
        count = measured.failures_of(variant)
        yield f"- wrong or lost answers of {variant}, for the record: {count:,}"


def _record(measured: Measured) -> dict[str, Any]:
    case = measured.case
    return {
        "title": case.title,
        "metric": case.metric,
        "baseline": case.baseline,
        FAILURES: measured.failures,
        "variants": {
            variant: {
                name: {"median": measured.spread(variant, name).median, "trials": list(values)}
                for name, values in metrics.items()
            }
            for variant, metrics in measured.trials.items()
        },
        "ratios": {
            variant: measured.ratio(variant, case.baseline, case.metric)._asdict()
            for variant in measured.trials
            if case.baseline
        },
        "goals": goals(measured),
    }


def _page(results: Sequence[Measured], record: dict[str, Any]) -> Iterator[str]:
    yield "# Benchmark\n"
    yield f"Variants in turn, {record['seconds']} s of load each; {record['took_s']} s in all. "
    yield "A ratio is the median over the rounds of ours divided by the baseline's.\n"
    for name in ("machine", "versions"):
        yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in record[name].items())
        yield ""
    for measured in results:
        yield f"## {measured.case.title}\n\nEach {measured.rounds} x.\n"
        yield "\n".join(about(measured))
        if measured.case.name == "growth":
            yield "\n![growth](growth.svg)"
        yield ""
    yield "![throughput](throughput.svg)"
