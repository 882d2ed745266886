"""Measure what a cold start imports, from the packaged zip, in fresh bare interpreters.

    python bench/import_time.py [out/prod] [--runs 20] [--limit-ms 200]

Each value is the median over the runs of the time in that process up to the last import,
without the interpreter's own start. Nothing connects, so no server is needed. On a machine
that runs other programs too, CPU time is more reliable than wall-clock time.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 20
LIMIT_MS = 200
TIMEOUT_S = 60
# Complete but unusable: no server listens at these addresses.
SETTINGS = {
    "STAGE": "local",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://user:password@127.0.0.1:1/seonchak",
    "AUTH_JWT_SECRET": "development-only-jwt-secret-of-32-bytes-or-more",
    "COUPON_CODE_SECRET": "development-only-code-secret-of-32-bytes-or-more",
}
# What each function imports until its first response, in import order.
APPLY = (
    "import handlers.apply; wiring.authenticator(); wiring.admissions(); "
    "wiring.scripts()._connected()"
)
SCENARIOS = {
    "app.py alone": "pass",
    "apply refused": APPLY,
    "apply accepted": f"{APPLY}; wiring.publisher()",
    "consume": "import handlers.consume; wiring.warm_up(); wiring.scripts()._connected()",
}
PROBE = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter(), time.process_time()
import app
from handlers import wiring
exec(sys.argv[2])
ended = time.perf_counter(), time.process_time()
print(*((after - before) * 1000 for before, after in zip(began, ended)))
"""


class Times(NamedTuple):
    """Medians, and the fastest wall-clock time; milliseconds."""

    clock_ms: float
    cpu_ms: float
    fastest_ms: float


def main() -> int:
    """Print the medians; exit code 1 when importing app.py takes longer than the limit."""
    options = _parser().parse_args()
    zip_file = options.package / "deployment.zip"
    if not zip_file.is_file():
        print(f"there is no {zip_file}: make package", file=sys.stderr)
        return 2
    clock_ms = {}
    with unpacked(zip_file) as tree:
        print("                 clock     CPU   fastest")
        for name in SCENARIOS:
            times = measure(tree, name, options.runs)
            clock_ms[name] = times.clock_ms
            shown = f"{times.clock_ms:4.0f} ms {times.cpu_ms:4.0f} ms {times.fastest_ms:6.0f} ms"
            print(f"{name:15} {shown}", flush=True)
    slow = clock_ms["app.py alone"] > options.limit_ms
    if slow:
        print(f"importing app.py takes more than {options.limit_ms} ms", file=sys.stderr)
    return int(slow)


@contextmanager
def unpacked(zip_file: Path) -> Iterator[Path]:
    """Yield a folder with the contents of the package; remove it after the block."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(zip_file) as archive:
            archive.extractall(folder)
        yield Path(folder)


def measure(tree: Path, name: str, runs: int) -> Times:
    """Run one scenario `runs` times, each in an interpreter of its own."""
    _once(tree, SCENARIOS[name])  # brings the files into the page cache; not counted
    taken = [_once(tree, SCENARIOS[name]) for _ in range(runs)]
    clock_ms, cpu_ms = ([run[unit] for run in taken] for unit in (0, 1))
    return Times(statistics.median(clock_ms), statistics.median(cpu_ms), min(clock_ms))


def _once(tree: Path, code: str) -> tuple[float, float]:
    """Return milliseconds of wall-clock and of CPU time."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(tree), code],
        capture_output=True,
        text=True,
        check=True,
        env=SETTINGS,
        timeout=TIMEOUT_S,
    )
    clock_ms, cpu_ms = done.stdout.split()
    return float(clock_ms), float(cpu_ms)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", nargs="?", type=Path, default=Path("out/prod"))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--limit-ms", type=float, default=LIMIT_MS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
