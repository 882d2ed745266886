"""Lambda's cold start: what the packaged zip imports until the first response."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench import import_time
from bench.harness import Case, Goal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

PACKAGING_TIMEOUT_S = 600
RUNS = 5  # fresh interpreters for one value
APP = "app.py alone"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - an import takes its own time
    """Package this checkout and import it, by the function that responds first."""
    package = cluster.folder / "package"
    subprocess.run(
        [sys.executable, "-m", "infra.package", "--stage", "prod", "--out", str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=PACKAGING_TIMEOUT_S,
    )
    with import_time.unpacked(package / "deployment.zip") as tree:
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
