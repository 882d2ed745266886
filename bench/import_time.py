"""Measures what a cold start imports, from the packaged zip, in fresh bare interpreters.

    python bench/import_time.py [out/prod] [--runs 20] [--limit-ms 200]

Each figure is the median over the runs of the time in that process up to the last import; the
interpreter's own start is not in it. Nothing is connected to, so no server is needed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

RUNS = 20
LIMIT_MS = 200
TIMEOUT_S = 60
# Complete and of no use: nobody answers there.
SETTINGS = {
    "STAGE": "local",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://user:password@127.0.0.1:1/seonchak",
    "AUTH_JWT_SECRET": "development-only-jwt-secret-of-32-bytes-or-more",
    "COUPON_CODE_SECRET": "development-only-code-secret-of-32-bytes-or-more",
}
# What each function imports until its first answer, in the order in which it does.
APPLY = "wiring.tokens(); wiring.throttle(); wiring.admissions(); wiring.scripts()._connected()"
SCENARIOS = {
    "app.py alone": "pass",
    "apply refused": APPLY,
    "apply accepted": f"{APPLY}; wiring.publisher()",
    "consume": "wiring.warm_up(); wiring.scripts()._connected()",
}
PROBE = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter()
import app
from handlers import wiring
exec(sys.argv[2])
print((time.perf_counter() - began) * 1000)
"""


def main() -> int:
    """Print the medians; exit code 1 when importing app.py takes longer than the limit."""
    options = _parser().parse_args()
    zip_file = options.package / "deployment.zip"
    if not zip_file.is_file():
        print(f"there is no {zip_file}: make package", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(zip_file) as archive:
            archive.extractall(folder)
        medians = {name: _median(folder, code, options.runs) for name, code in SCENARIOS.items()}
    slow = medians["app.py alone"] > options.limit_ms
    if slow:
        print(f"importing app.py takes more than {options.limit_ms} ms", file=sys.stderr)
    return int(slow)


def _median(tree: str, code: str, runs: int) -> float:
    # The first run brings the files into memory, as Lambda's own preparation does; not counted.
    times_ms = sorted([_once(tree, code) for _ in range(runs + 1)][1:])
    median = statistics.median(times_ms)
    name = next(name for name, its_code in SCENARIOS.items() if its_code == code)
    print(f"{name:15} {median:6.0f} ms   (from {times_ms[0]:.0f} to {times_ms[-1]:.0f})")
    return median


def _once(tree: str, code: str) -> float:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, tree, code],
        capture_output=True,
        text=True,
        check=True,
        env=SETTINGS,
        timeout=TIMEOUT_S,
    )
    return float(done.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", nargs="?", type=Path, default=Path("out/prod"))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--limit-ms", type=float, default=LIMIT_MS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
