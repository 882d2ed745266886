"""What a day does to each part: requests, function time, calls of Redis, records, rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.domain.rejection_cache import TTL_S, WINNERS_MAX
from infra.cost.arrivals import Arrivals

if TYPE_CHECKING:
    from infra.cost.catalogue import Catalogue
    from infra.cost.day import Workload

# An environment whose memory of a refusal has ended asks twice: about its applicant, and whom the
# campaign still knows (handlers/domain/rejection_cache.py).
QUESTIONS_TO_REMEMBER = 2
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One kind of request: how many, how long each, and what each asks of Redis."""

    count: float
    in_busiest_second: float
    duration_ms: float
    redis_calls: float
    redis_us: float


@dataclass(frozen=True, slots=True)
class Load:
    """The whole day by outcome, and the figures that limits are compared with."""

    outcomes: dict[str, Outcome]
    wanted_per_s: float
    polls_per_s: float
    sold_out_after_s: float | None
    records_per_s: float
    batches: float

    @property
    def requests(self) -> float:
        """Requests of the whole day."""
        return sum(outcome.count for outcome in self.outcomes.values())

    @property
    def requests_per_s(self) -> float:
        """Requests that are let in, in the busiest second, the first one."""
        return sum(outcome.in_busiest_second for outcome in self.outcomes.values())

    @property
    def concurrency(self) -> float:
        """Environments at work at once in the busiest second."""
        return sum(
            outcome.in_busiest_second * outcome.duration_ms / 1000
            for outcome in self.outcomes.values()
        )

    @property
    def redis_cores(self) -> float:
        """Cores of Redis at work in the busiest second; a node runs its scripts on one."""
        return (
            sum(outcome.in_busiest_second * outcome.redis_us for outcome in self.outcomes.values())
            / MICROSECONDS
        )

    @property
    def redis_calls(self) -> float:
        """Calls of Redis over the whole day, the consumer's (one a batch) included."""
        calls = sum(outcome.count * outcome.redis_calls for outcome in self.outcomes.values())
        return calls + self.batches

    @property
    def redis_calls_per_s(self) -> float:
        """Calls of Redis in the busiest second, without the consumer's few."""
        return sum(
            outcome.in_busiest_second * outcome.redis_calls for outcome in self.outcomes.values()
        )


def load(day: Workload, figures: Catalogue) -> Load:
    """Return what `day` does.

    The busiest second is the first. All who press in it press for the first time, so the coupons
    go as fast as they can; every winner asks how far the coupon is, once a second, `polls` times.
    Where a throttle lets in fewer, it lets in those first who mean most work.
    """
    arrivals = Arrivals(day.applies, day.minutes * 60, day.peak)
    door = day.throttle or math.inf
    pressed = arrivals.within(1)
    polled = min(day.accepted, arrivals.within(day.polls), door * day.polls)
    accepted = min(day.accepted, pressed, door)
    polls = min(polled, door - accepted)
    return Load(
        outcomes={
            "accepted": _accepted(day, figures, accepted),
            "already applied": _again(day, figures),
            "sold out": _refused(day, figures, min(pressed, door - polls) - accepted),
            "status poll": _polls(day, figures, polls),
        },
        wanted_per_s=pressed + polled,
        polls_per_s=min(polled, door),  # in a later second, when fewer are accepted
        sold_out_after_s=_sold_out_after_s(day, arrivals, door),
        records_per_s=accepted,
        batches=math.ceil(day.accepted / figures.assumed["batch_records"]),
    )


def _sold_out_after_s(day: Workload, arrivals: Arrivals, door: float) -> float | None:
    pressed_s = arrivals.until(day.quantity) if day.quantity < day.applicants else None
    return None if pressed_s is None else max(pressed_s, day.quantity / door)


def duration_ms(figures: Catalogue, cpu_us: float, wait_ms: float) -> float:
    """Return how long the API's function takes: CPU at its share of a core, and waiting."""
    vcpus = min(1.0, figures.size["api_memory_mb"] / figures.limits["lambda_vcpu_mb"].value)
    return (cpu_us + figures.measured["runtime_us"]) / 1000 / vcpus + wait_ms


def _accepted(day: Workload, figures: Catalogue, in_busiest_second: float) -> Outcome:
    waits = figures.assumed["redis_wait_ms"] + figures.assumed["kafka_wait_ms"]
    measured = figures.measured
    return Outcome(
        day.accepted,
        in_busiest_second,
        duration_ms(figures, measured["accepted_cpu_us"], waits),
        redis_calls=1,
        redis_us=measured["redis_accepted_us"] + figures.assumed["redis_settled_us"],
    )


def _again(day: Workload, figures: Catalogue) -> Outcome:
    waits = figures.assumed["redis_wait_ms"] + figures.assumed["kafka_wait_ms"]
    return Outcome(
        day.accepted * (day.presses - 1),
        0,
        duration_ms(figures, figures.measured["again_cpu_us"], waits),
        redis_calls=1,
        redis_us=figures.measured["redis_asked_us"],
    )


def _polls(day: Workload, figures: Catalogue, in_busiest_second: float) -> Outcome:
    waits = figures.assumed["redis_wait_ms"] + figures.assumed["mysql_wait_ms"]
    return Outcome(
        day.accepted * day.polls,
        in_busiest_second,
        duration_ms(figures, figures.measured["poll_cpu_us"], waits),
        redis_calls=1,
        redis_us=figures.measured["redis_asked_us"],
    )


def _refused(day: Workload, figures: Catalogue, in_busiest_second: float) -> Outcome:
    measured = figures.measured
    count = (day.applicants - day.accepted) * day.presses
    asked_ms = duration_ms(figures, measured["asked_cpu_us"], figures.assumed["redis_wait_ms"])
    asked_us = measured["redis_asked_us"]
    if day.quantity > WINNERS_MAX:
        return Outcome(count, in_busiest_second, asked_ms, redis_calls=1, redis_us=asked_us)
    remembered_ms = duration_ms(figures, measured["remembered_cpu_us"], 0)
    # A busy environment answers TTL_S / remembered_ms applicants, then asks for the next.
    share = min(1.0, remembered_ms / 1000 / TTL_S)
    winners_us = measured["redis_winner_us"] * day.accepted
    return Outcome(
        count,
        in_busiest_second,
        (1 - share) * remembered_ms + share * QUESTIONS_TO_REMEMBER * asked_ms,
        redis_calls=share * QUESTIONS_TO_REMEMBER,
        redis_us=share * (QUESTIONS_TO_REMEMBER * asked_us + winners_us),
    )
