"""1,000 users at once for 100 coupons: the demo, repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.harness import FAILURES, Case, Goal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

USERS, QUANTITY = 1_000, 100
BURST = f"{USERS:,} at once on {QUANTITY}"
TIMEOUT_S = 300


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:  # noqa: ARG001 - a burst has a fixed size
    """Return one variant, on the servers of this case."""
    yield {BURST: lambda: _demo(cluster)}


def _demo(cluster: Cluster) -> Metrics:
    options = f"--users {USERS} --impatient 0 --quantity {QUANTITY} --servers env"
    command = [sys.executable, "-m", "local.demo", *options.split(), "--out", str(cluster.folder)]
    # New each time: Tansu 0.6 sometimes does not respond to a group that was just left.
    name = f"burst_{uuid4().hex[:8]}"
    environment = {**cluster.environment, "COUPON_TOPIC": name, "CONSUMER_GROUP": name}
    subprocess.run(
        command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S
    )
    report = json.loads((cluster.folder / "demo.json").read_text(encoding="utf-8"))
    latency_ms = report["latency_ms"]["all"]
    return {
        "answers_per_s": report["answers_per_s"],
        "p50_ms": latency_ms["p50"],
        "p95_ms": latency_ms["p95"],
        "p99_ms": latency_ms["p99"],
        "rows_complete_s": report["rows_complete_after_s"],
        FAILURES: report["errors"],
    }


CASE = Case(
    "burst",
    f"{USERS:,} users at once for {QUANTITY} coupons",
    "rows_complete_s",
    "",
    (
        Goal(BURST, "rows_complete_s", 1.0, at_most=True),
        Goal(BURST, "p99_ms", 200, at_most=True),
    ),
    variants,
    warm_up=False,  # the demo restarts its programs each time
)
