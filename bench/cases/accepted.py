"""Accepted, with Kafka's acknowledgement, against two services that wait for none.

One is a first naive version in the same gateway (bench/naive.py), one the same sequence in Java
(bench/java). A fourth variant is ours at half of its rate: what a user waits for who does not come
at the highest load.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench import java_service
from bench.cluster import RunningGateway
from bench.harness import Case, Goal
from bench.load import LATE, LoadGenerator
from bench.processor_time import METRIC
from bench.programs import GATEWAY
from bench.tokens import write_tokens
from handlers.domain.campaign import QUANTITY_MAX
from local.servers.ports import HOST
from local.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial

ACCEPTED_PER_S_MAX = 40_000
# Java compiles what is called often, while it runs: processor time for a request falls from
# milliseconds to 0.14 over the first 100,000, later where other programs use the processors. So it
# is warm once so many requests cost nearly as much as those before them.
JAVA_WARM_UP_USERS = 40_000
JAVA_WARM_UPS_MIN, JAVA_WARM_UPS_MAX = 3, 8
STILL_FALLING = 0.95
OURS, NAIVE = "accepted", "naive: SADD, INCR, send without waiting"
JAVA = "the same in Java, no token checked"
HALF = "accepted, at half of that rate"
GATEWAY_US = f"{METRIC}{GATEWAY}"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Run each service, Java's where there is Java and Maven; each trial has a new campaign."""
    users = ACCEPTED_PER_S_MAX * scale.seconds
    tokens = write_tokens(cluster.folder / "tokens.txt", cluster.settings.auth_jwt_secret, users)
    with (
        cluster.gateway() as ours,
        cluster.gateway("bench.naive:application") as naive,
        _java(cluster) as java,
    ):
        rates_per_s: list[float] = []

        def highest(service: RunningGateway) -> Metrics:
            campaign_id = cluster.campaign(ours, QUANTITY_MAX)
            return LoadGenerator(service, tokens, "202").during(scale.seconds, campaign_id)

        def ours_highest() -> Metrics:
            metrics = highest(ours)
            rates_per_s.append(metrics["per_s"])
            return metrics

        def ours_at_half() -> Metrics:
            campaign_id, rate_per_s = cluster.campaign(ours, QUANTITY_MAX), rates_per_s[-1] / 2
            return LoadGenerator(ours, tokens, "202").paced(scale.seconds, campaign_id, rate_per_s)

        trials: dict[str, Trial] = {NAIVE: partial(highest, naive)}
        if java:
            trials[JAVA] = partial(highest, java)
        yield {**trials, OURS: ours_highest, HALF: ours_at_half}


@contextmanager
def _java(cluster: Cluster) -> Iterator[RunningGateway | None]:
    """Run the service of bench/java, its code compiled; None where its parts cannot be had."""
    try:
        java_service.fetch()
    except ServerError as error:
        _say(f"accepted is measured without Java: {error}")
        yield None
        return
    secret, file = cluster.settings.auth_jwt_secret, cluster.folder / "warm-up.txt"
    tokens = write_tokens(file, secret, JAVA_WARM_UP_USERS)
    with java_service.JavaService() as service:
        running = RunningGateway(HOST, service.port, {GATEWAY: service.pid, **cluster.servers})
        _warm_up(LoadGenerator(running, tokens, "202"))
        yield running


def _warm_up(load: LoadGenerator) -> None:
    """Apply until Java has compiled what it will compile."""
    before_us = 0.0
    for number in range(1, JAVA_WARM_UPS_MAX + 1):
        metrics = load.once_each(JAVA_WARM_UP_USERS, f"warm-up-{number}")
        used_us = metrics.get(GATEWAY_US, 0)  # not known without /proc
        _say(f"Java's warm-up {number}: {used_us:.0f} µs of the processors for a request")
        if number >= JAVA_WARM_UPS_MIN and used_us >= before_us * STILL_FALLING:
            return
        before_us = used_us


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


CASE = Case(
    "accepted",
    "Accepted, Kafka's acknowledgement included",
    "per_s",
    NAIVE,
    (
        Goal(OURS, "per_s", 3_000),
        Goal(OURS, "per_s", 1.5, against=JAVA),
        Goal(OURS, "per_s", 2.5, against=NAIVE),
        Goal(OURS, GATEWAY_US, 160, at_most=True),
        Goal(HALF, "p99_ms", 15, at_most=True),
        Goal(HALF, LATE, 0.001, at_most=True),
    ),
    variants,
)
