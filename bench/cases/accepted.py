"""Accepted, with Kafka's acknowledgement, against a first naive version (bench/naive.py)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.harness import Case, Goal
from bench.load import LoadGenerator
from bench.tokens import write_tokens
from handlers.domain.campaign import QUANTITY_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

ACCEPTED_PER_S_MAX = 40_000
OURS, NAIVE = "accepted", "naive: SADD, INCR, send without waiting"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Run the gateway twice, once per handler; each trial has a new campaign."""
    users = ACCEPTED_PER_S_MAX * scale.seconds
    tokens = write_tokens(cluster.folder / "tokens.txt", cluster.settings.auth_jwt_secret, users)
    with cluster.gateway() as ours, cluster.gateway("bench.naive:application") as naive:

        def trial(load: LoadGenerator) -> Metrics:
            return load.during(scale.seconds, cluster.campaign(ours, QUANTITY_MAX))

        yield {
            NAIVE: lambda: trial(LoadGenerator(naive, tokens, "202")),
            OURS: lambda: trial(LoadGenerator(ours, tokens, "202")),
        }


CASE = Case(
    "accepted",
    "Accepted, Kafka's acknowledgement included",
    "per_s",
    NAIVE,
    (Goal(OURS, "per_s", 3_000), Goal(OURS, "per_s", 1.0, against=NAIVE)),
    variants,
)
