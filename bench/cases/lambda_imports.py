"""Lambda's cold start: what the packaged zip imports until the first response."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench import import_time
from bench.harness import Case, Goal
from bench.package import unpacked_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

RUNS = 5  # fresh interpreters for one value
APP = "app.py alone"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - an import takes its own time
    """Package this checkout and import it, by the function that responds first."""
    with unpacked_package(cluster.folder) as tree:
        yield {name: partial(_imported, tree, name) for name in import_time.SCENARIOS}


def _imported(tree: Path, name: str) -> Metrics:
    times = import_time.measure(tree, name, RUNS)
    return {"cpu_ms": times.cpu_ms, "clock_ms": times.clock_ms}


CASE = Case(
    "lambda-imports",
    "Lambda, cold: imports of the package",
    "cpu_ms",
    "",
    (Goal(APP, "clock_ms", import_time.LIMIT_MS, at_most=True),),
    variants,
    beside=("clock_ms",),
)
