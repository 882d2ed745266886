"""The load of a workload on each part: requests, function time, calls of Redis, records, rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.domain.rejection_cache import TTL_S, WINNERS_MAX
from infra.cost.arrivals import Arrivals
from infra.cost.workload import Door

if TYPE_CHECKING:
    from infra.cost.catalogue import Catalogue
    from infra.cost.workload import Workload

# An environment whose cached rejection has expired makes two calls: about its applicant, and about
# the users whom the campaign still knows (handlers/domain/rejection_cache.py).
CALLS_TO_REFRESH = 2
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class RequestProfile:
    """One kind of request: how many, how long each takes, and how much Redis work each needs."""

    count: float
    in_busiest_second: float
    duration_ms: float
    redis_calls: float
    redis_us: float
    gateway_us: float  # CPU of the gateway in a container


@dataclass(frozen=True, slots=True)
class Load:
    """The whole load by outcome, and the values that limits are compared with."""

    outcomes: dict[str, RequestProfile]
    looks_cached: float  # answered by the CDN
    wanted_per_s: float
    connections_per_s: float  # new ones in the first second
    polls_per_s: float
    sold_out_after_s: float | None
    records_per_s: float
    batches: float

    @property
    def requests(self) -> float:
        """Requests of the whole workload."""
        return sum(outcome.count for outcome in self.outcomes.values())

    @property
    def requests_per_s(self) -> float:
        """Requests let in during the busiest second, which is the first one."""
        return sum(outcome.in_busiest_second for outcome in self.outcomes.values())

    @property
    def concurrency(self) -> float:
        """Environments in use at once in the busiest second."""
        return sum(
            outcome.in_busiest_second * outcome.duration_ms / 1000
            for outcome in self.outcomes.values()
        )

    @property
    def gateway_cores(self) -> float:
        """Cores of the gateway in use in the busiest second, where it serves."""
        return (
            sum(
                outcome.in_busiest_second * outcome.gateway_us for outcome in self.outcomes.values()
            )
            / MICROSECONDS
        )

    @property
    def redis_cores(self) -> float:
        """Cores of Redis in use in the busiest second; a node runs its scripts on one."""
        return (
            sum(outcome.in_busiest_second * outcome.redis_us for outcome in self.outcomes.values())
            / MICROSECONDS
        )

    @property
    def redis_calls(self) -> float:
        """Calls of Redis over the whole workload, including the consumer's (one a batch)."""
        calls = sum(outcome.count * outcome.redis_calls for outcome in self.outcomes.values())
        return calls + self.batches

    @property
    def redis_calls_per_s(self) -> float:
        """Calls of Redis in the busiest second, without the consumer's few."""
        return sum(
            outcome.in_busiest_second * outcome.redis_calls for outcome in self.outcomes.values()
        )


def load(workload: Workload, inputs: Catalogue) -> Load:
    """Return the load of `workload`.

    The busiest second is the first. All applicants in it apply for the first time, so the coupons
    go at the highest rate; every winner polls for the coupon once a second, `polls` times.
    Where a throttle lets in fewer, it lets in the most expensive requests first.
    """
    arrivals = Arrivals(workload.applies, workload.minutes * 60, workload.peak)
    limit = workload.throttle or math.inf
    applied = arrivals.within(1)
    polled = min(workload.accepted, arrivals.within(workload.polls), limit * workload.polls)
    accepted = min(workload.accepted, applied, limit)
    polls = min(polled, limit - accepted)
    looks = workload.applicants * workload.looks
    looked = min(looks, _looks_at_origin(workload, inputs))
    return Load(
        outcomes={
            "accepted": _accepted(workload, inputs, accepted),
            "already applied": _already_applied(workload, inputs),
            "sold out": _rejected(workload, inputs, min(applied, limit - polls) - accepted),
            "status poll": _polls(workload, inputs, polls),
            "look": _looks(inputs, looked),
        },
        looks_cached=looks - looked,
        wanted_per_s=applied + polled,
        connections_per_s=applied,
        polls_per_s=min(polled, limit),  # in a later second, when fewer are accepted
        sold_out_after_s=_sold_out_after_s(workload, arrivals, limit),
        records_per_s=accepted,
        batches=math.ceil(workload.accepted / inputs.assumed["batch_records"]),
    )


def _sold_out_after_s(workload: Workload, arrivals: Arrivals, limit: float) -> float | None:
    sells_out = workload.quantity < workload.applicants
    applied_s = arrivals.until(workload.quantity) if sells_out else None
    return None if applied_s is None else max(applied_s, workload.quantity / limit)


def _looks_at_origin(workload: Workload, inputs: Catalogue) -> float:
    """Return how many looks a cache of one second lets through at most, while people come."""
    if workload.door is not Door.CLOUDFRONT:
        return math.inf
    return workload.minutes * 60 * inputs.assumed["edge_caches"]


def duration_ms(inputs: Catalogue, cpu_us: float, wait_ms: float) -> float:
    """Return the duration of the API's function: CPU at its share of a core, and waiting."""
    vcpus = min(1.0, inputs.size["api_memory_mb"] / inputs.limits["lambda_vcpu_mb"].value)
    return (cpu_us + inputs.measured["runtime_us"]) / 1000 / vcpus + wait_ms


def _accepted(workload: Workload, inputs: Catalogue, in_busiest_second: float) -> RequestProfile:
    waits = inputs.assumed["redis_wait_ms"] + inputs.assumed["kafka_wait_ms"]
    if workload.durable_redis:
        waits += inputs.assumed["redis_durable_wait_ms"]
    measured = inputs.measured
    return RequestProfile(
        workload.accepted,
        in_busiest_second,
        duration_ms(inputs, measured["accepted_cpu_us"], waits),
        redis_calls=1,
        redis_us=measured["redis_accepted_us"] + inputs.assumed["redis_settled_us"],
        gateway_us=measured["gateway_accepted_cpu_us"],
    )


def _already_applied(workload: Workload, inputs: Catalogue) -> RequestProfile:
    waits = inputs.assumed["redis_wait_ms"] + inputs.assumed["kafka_wait_ms"]
    return RequestProfile(
        workload.accepted * (workload.presses - 1),
        0,
        duration_ms(inputs, inputs.measured["again_cpu_us"], waits),
        redis_calls=1,
        redis_us=inputs.measured["redis_asked_us"],
        gateway_us=inputs.measured["gateway_accepted_cpu_us"],
    )


def _polls(workload: Workload, inputs: Catalogue, in_busiest_second: float) -> RequestProfile:
    waits = inputs.assumed["redis_wait_ms"] + inputs.assumed["mysql_wait_ms"]
    return RequestProfile(
        workload.accepted * workload.polls,
        in_busiest_second,
        duration_ms(inputs, inputs.measured["poll_cpu_us"], waits),
        redis_calls=1,
        redis_us=inputs.measured["redis_asked_us"],
        gateway_us=inputs.measured["poll_cpu_us"],
    )


def _looks(inputs: Catalogue, count: float) -> RequestProfile:
    """Return what waiting pages ask: before the opening, so nothing in the busiest second."""
    measured = inputs.measured
    return RequestProfile(
        count,
        0,
        duration_ms(inputs, measured["asked_cpu_us"], inputs.assumed["redis_wait_ms"]),
        redis_calls=1,
        redis_us=measured["redis_asked_us"],
        gateway_us=measured["gateway_asked_cpu_us"],
    )


def _rejected(workload: Workload, inputs: Catalogue, in_busiest_second: float) -> RequestProfile:
    measured = inputs.measured
    count = (workload.applicants - workload.accepted) * workload.presses
    checked_ms = duration_ms(inputs, measured["asked_cpu_us"], inputs.assumed["redis_wait_ms"])
    checked_us = measured["redis_asked_us"]
    if workload.quantity > WINNERS_MAX:
        return RequestProfile(
            count,
            in_busiest_second,
            checked_ms,
            redis_calls=1,
            redis_us=checked_us,
            gateway_us=measured["gateway_asked_cpu_us"],
        )
    cached_ms = duration_ms(inputs, measured["remembered_cpu_us"], 0)
    # A busy environment rejects TTL_S / cached_ms applicants, then calls Redis for the next.
    share = min(1.0, cached_ms / 1000 / TTL_S)
    winners_us = measured["redis_winner_us"] * workload.accepted
    return RequestProfile(
        count,
        in_busiest_second,
        (1 - share) * cached_ms + share * CALLS_TO_REFRESH * checked_ms,
        redis_calls=share * CALLS_TO_REFRESH,
        redis_us=share * (CALLS_TO_REFRESH * checked_us + winners_us),
        gateway_us=measured["gateway_remembered_cpu_us"],
    )
