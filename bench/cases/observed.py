"""What metrics and traces cost: the gateway with each of them, on three answers of apply."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bench.cases.sold_out import ACQUAINTANCE_S, KNOWN, sold_out_campaign
from bench.cluster import APPLICATION
from bench.harness import Case, Goal
from bench.load import LoadGenerator
from bench.otlp_sink import sink
from bench.processor_time import METRIC
from bench.programs import GATEWAY
from bench.tokens import write_tokens
from bench.tools import MissingToolError
from handlers.domain.campaign import QUANTITY_MAX
from local.servers.ports import free_port
from local.soak.process_usage import PROC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from bench.cluster import Cluster, RunningGateway
    from bench.harness import Metrics, Scale, Trial

# More than can be admitted in that time.
ADMISSIONS_PER_S_MAX = 40_000
WITHOUT_KAFKA = "bench.without_kafka:application"
SOLD_OUT, ADMISSION, ACCEPTED = "sold out", "admission", "accepted"
OFF, METRICS, SOME, ALL = KINDS = ("off", "metrics", "traces of 1 %", "traces of all")
SAMPLERS = {
    SOME: {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
    ALL: {"OTEL_TRACES_SAMPLER": "parentbased_always_on"},
}
CPU = f"{METRIC}{GATEWAY}"
# Of the gateway's processor time without any of them, at most.
AT_MOST = {METRICS: 1.1, SOME: 1.25, ALL: 3.0}


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Run a gateway for each kind of observation, twice: with Kafka, and with one that is free."""
    _require_tools()
    secret, users = cluster.settings.auth_jwt_secret, ADMISSIONS_PER_S_MAX * scale.seconds
    known = write_tokens(cluster.folder / "known.txt", secret, KNOWN)
    strangers = write_tokens(cluster.folder / "strangers.txt", secret, users)

    def apply(load: LoadGenerator) -> Metrics:
        return load.during(scale.seconds, cluster.campaign(load.gateway, QUANTITY_MAX))

    with sink() as collector, ExitStack() as running:

        def gateways(application: str) -> dict[str, RunningGateway]:
            return {
                kind: running.enter_context(_observed(cluster, application, kind, collector))
                for kind in KINDS
            }

        ours, without_kafka = gateways(APPLICATION), gateways(WITHOUT_KAFKA)
        sold_out = sold_out_campaign(cluster, ours[OFF])
        for gateway in (*ours.values(), *without_kafka.values()):
            # The first request of a process connects, which takes a while where all begin at once.
            LoadGenerator(gateway, known, "409").during(ACQUAINTANCE_S, sold_out)
        trials: dict[str, Trial] = {}
        for kind, gateway in ours.items():
            load = LoadGenerator(gateway, known, "409")
            trials[_name(SOLD_OUT, kind)] = partial(load.during, scale.seconds, sold_out)
        for answer, served in ((ADMISSION, without_kafka), (ACCEPTED, ours)):
            for kind, gateway in served.items():
                load = LoadGenerator(gateway, strangers, "202")
                trials[_name(answer, kind)] = partial(apply, load)
        yield trials


def _observed(
    cluster: Cluster, application: str, kind: str, collector: str
) -> AbstractContextManager[RunningGateway]:
    if kind == METRICS:
        return cluster.gateway(application, options=("--metrics-port", str(free_port())))
    if kind not in SAMPLERS:
        return cluster.gateway(application)
    sampler = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, **SAMPLERS[kind]}
    return cluster.gateway(application, environment=sampler)


def _require_tools() -> None:
    if find_spec("opentelemetry.sdk") is None:
        message = "OpenTelemetry is needed: pip install -r requirements/traces.txt"
        raise MissingToolError(message)
    if not PROC.is_dir():
        message = f"{PROC} is needed: processor time is what this case compares (Linux)"
        raise MissingToolError(message)


def _name(answer: str, kind: str) -> str:
    return f"{answer}: {kind}"


CASE = Case(
    "observed",
    "What metrics and traces cost the gateway",
    CPU,
    "",
    [
        Goal(_name(answer, kind), CPU, bound, against=_name(answer, OFF), at_most=True)
        for answer in (SOLD_OUT, ADMISSION, ACCEPTED)
        for kind, bound in AT_MOST.items()
    ],
    variants,
    beside=("per_s", "p50_ms", "p99_ms"),
)
