"""Measure the service against its own limits: `python -m bench.run`.

Starts servers, gateway and consumers itself; nothing else needs to run. Writes bench.md, bench.json
and pictures into --out. Exit code: 0 measured, 1 some responses were wrong or missing, 2 wrong
options or a missing tool, 130 Ctrl-C. A missed goal is reported and is not a failure.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench import report
from bench.cluster import cluster
from bench.harness import Case, Measured, Scale, interleaved
from bench.progress import BenchProgress
from bench.tools import MissingToolError, find
from local.cli import integer
from local.harness.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

CASES = (
    "sold-out",
    "admission",
    "accepted",
    "observed",
    "chalice-local",
    "consumer",
    "backlog",
    "redemption",
    "burst",
    "growth",
    "lambda-cold",
    "lambda-imports",
    "lambda-invocations",
)
# Asked for by name: they need more than a checkout and the tools.
BY_NAME = ("consumer-mysql",)
ROUNDS, ROUNDS_QUICK, ROUNDS_MAX = 5, 2, 100
SECONDS, SECONDS_QUICK, SECONDS_MAX = 5, 1, 600
EXIT_REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return run("bench", lambda _: _measure_all(options))
    except MissingToolError as error:
        print(f"bench: {error}", file=sys.stderr)
        return EXIT_REFUSED


def _measure_all(options: argparse.Namespace) -> bool:
    """Measure and report; return whether every client got its right answer."""
    from bench import plots  # noqa: PLC0415 - --help does not wait for matplotlib

    quick = options.quick
    scale = Scale(
        options.rounds or (ROUNDS_QUICK if quick else ROUNDS),
        options.seconds or (SECONDS_QUICK if quick else SECONDS),
        quick,
    )
    find("wrk")
    options.out.mkdir(parents=True, exist_ok=True)
    progress, results = BenchProgress(len(options.cases)), []
    for name in options.cases:
        results.append(_measure(_case(name), scale, options.out, progress))
        # After each case, so that an interrupted run keeps what it has.
        report.write(options.out, results, scale, progress.seconds)
        print("\n".join([*report.about(results[-1]), ""]), flush=True)
        if name == "growth":
            plots.growth(options.out / "growth.svg", results[-1])
    plots.throughput(options.out / "throughput.svg", results)
    failures = sum(each.failures for each in results)
    progress.say(f"{failures:,} wrong or lost answers; see {options.out / report.MARKDOWN}")
    return not failures


def _measure(case: Case, scale: Scale, out: Path, progress: BenchProgress) -> Measured:
    progress.begin(case.title)
    logs = out / "logs" / case.name
    program = case.database() if case.database else None
    with cluster(logs, program) as servers, case.variants(servers, scale) as trials:
        rounds = min(scale.rounds, case.rounds_max or scale.rounds)
        taken = interleaved(trials, rounds, progress.say, metric=case.metric, warm_up=case.warm_up)
    measured = Measured(case, taken)
    if not measured.failures:
        shutil.rmtree(logs)  # up to a gigabyte that is not needed
    return measured


def _case(name: str) -> Case:
    case: Case = import_module(f"bench.cases.{name.replace('-', '_')}").CASE
    return case


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.run",
        description="Measure the service against its own limits, taking turns.",
        epilog="Exit code: 0 measured, 1 some responses were wrong or missing, 2 wrong options "
        "or a missing tool (wrk, redis-benchmark), 130 Ctrl-C. Missed goals are only reported.",
    )
    add = parser.add_argument
    names = f"{' '.join(CASES)} (default: all of these); {' '.join(BY_NAME)}"
    choices = (*CASES, *BY_NAME)
    add("--cases", nargs="+", choices=choices, default=CASES, metavar="CASE", help=names)
    add(
        "--rounds",
        type=integer(1, ROUNDS_MAX),
        help=f"of each variant, growth: one (default: {ROUNDS})",
    )
    add("--seconds", type=integer(1, SECONDS_MAX), help=f"of load in a trial (default: {SECONDS})")
    quick = f"{ROUNDS_QUICK} rounds of {SECONDS_QUICK} s, few users: minutes instead of an hour"
    add("--quick", action="store_true", help=quick)
    add("--out", type=Path, default=Path("out/bench"), metavar="FOLDER", help="for the report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
