"""Admission by Redis through the whole gateway, with a Kafka that acknowledges at once."""

from __future__ import annotations

import csv
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.admitted import admit_command
from bench.harness import Case, Goal
from bench.load import CONNECTIONS, LoadGenerator
from bench.processor_time import ProcessorTime, ended_s
from bench.tokens import write_tokens
from bench.tools import find
from handlers.domain.campaign import QUANTITY_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial
    from local.harness.api_client import Api

# More than can be admitted in that time: each trial needs users who have not applied yet.
ADMISSIONS_PER_S_MAX = 40_000
# redis-benchmark counts commands, not seconds; this many take a few seconds.
COMMANDS_PER_S = 20_000
LOOPBACK = "127.0.0.1"  # the source address of all load
OURS, REDIS = "admission", "redis-benchmark of the script"
TIMEOUT_S = 120


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Give each trial its own campaign, so all users are admitted."""
    users = ADMISSIONS_PER_S_MAX * scale.seconds
    tokens = write_tokens(cluster.folder / "tokens.txt", cluster.settings.auth_jwt_secret, users)
    with cluster.gateway("bench.without_kafka:application") as api:

        def ours() -> Metrics:
            return LoadGenerator(api, tokens, "202").during(
                scale.seconds, cluster.campaign(api, QUANTITY_MAX)
            )

        yield {
            REDIS: lambda: _redis_benchmark(cluster, api, COMMANDS_PER_S * scale.seconds),
            OURS: ours,
        }


def _redis_benchmark(cluster: Cluster, api: Api, commands: int) -> Metrics:
    campaign_id = cluster.campaign(api, QUANTITY_MAX)
    port = cluster.settings.redis_url.rpartition(":")[2].partition("/")[0]
    user = f"{uuid4().hex[:8]}-__rand_int__"
    limits = (cluster.settings.apply_rate_per_s, cluster.settings.apply_rate_per_address_per_s)
    script = map(str, admit_command(campaign_id, LOOPBACK, *limits)(user))
    options = f"-p {port} -c {CONNECTIONS} -n {commands} -r 1000000000 --csv".split()
    used, before_s = ProcessorTime(cluster.servers), ended_s()
    done = subprocess.run(
        [find("redis-benchmark"), *options, *script],
        check=True,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    [row] = csv.DictReader(line for line in done.stdout.splitlines() if line.startswith('"'))
    return {
        "per_s": float(row["rps"]),
        "p50_ms": float(row["p50_latency_ms"]),
        "p95_ms": float(row["p95_latency_ms"]),
        "p99_ms": float(row["p99_latency_ms"]),
        **used.per_request(commands, ended_s() - before_s),
    }


CASE = Case(
    "admission",
    "Admission of all users, Kafka's ack excluded",
    "per_s",
    REDIS,
    (Goal(OURS, "per_s", 0.4, against=REDIS), Goal(OURS, "per_s", 6_000)),
    variants,
)
