"""Trials of several variants, interleaved, and their statistics.

A machine's speed varies over time. So the variants of a case take turns, and a
ratio is the median over the rounds of (ours / baseline within the same round).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.cluster import Cluster

    Metrics = Mapping[str, float]
    Trial = Callable[[], Metrics]

FAILURES = "failures"  # the metric of wrong or lost responses
LATENCIES = ("p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds: int  # of load in one trial
    quick: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the median of a metric, or on its ratio to that of another variant."""

    variant: str
    metric: str
    bound: float
    against: str = ""
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A group of variants that are compared."""

    name: str
    title: str
    metric: str  # the metric that ratios and pictures show
    baseline: str  # the variant that the others are divided by; "" for none
    goals: Sequence[Goal]
    variants: Callable[[Cluster, Scale], AbstractContextManager[Mapping[str, Trial]]]
    # A round that is not recorded: it warms up connections, imports and server caches.
    warm_up: bool = True
    # For a case whose round takes so long, and measures so much, that more rounds add nothing.
    rounds_max: int | None = None
    # What the report shows besides the metric, for variants that have it.
    beside: Sequence[str] = LATENCIES
    # Variants that are not our programs: their wrong responses are reported but fail nothing.
    for_the_record: Collection[str] = ()
    # Returns the server program to run in place of the system's MariaDB or MySQL.
    database: Callable[[], Path] | None = None


class Spread(NamedTuple):
    """Median, least and most."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Every trial of a case: variant -> metric -> one value per round."""

    case: Case
    trials: Mapping[str, Mapping[str, Sequence[float]]]

    @property
    def rounds(self) -> int:
        """The number of trials of each variant."""
        return min(len(metrics[self.case.metric]) for metrics in self.trials.values())

    @property
    def failures(self) -> int:
        """The number of wrong responses, in all."""
        return sum(map(self.failures_of, self.trials.keys() - set(self.case.for_the_record)))

    def failures_of(self, variant: str) -> int:
        """Return the number of wrong responses of one variant."""
        return int(sum(self.trials[variant].get(FAILURES, ())))

    def spread(self, variant: str, metric: str) -> Spread:
        """Return the spread of one metric over the rounds."""
        return spread(self.trials[variant][metric])

    def ratio(self, variant: str, against: str, metric: str) -> Spread:
        """Return the spread of the rounds' quotients; 0 where `against` is 0."""
        ours, theirs = self.trials[variant][metric], self.trials[against][metric]
        return spread([a / b if b else 0 for a, b in zip(ours, theirs, strict=True)])

    def has(self, goal: Goal) -> bool:
        """Return whether all that a goal is about was measured."""
        variants = (goal.variant, goal.against) if goal.against else (goal.variant,)
        return all(goal.metric in self.trials.get(variant, ()) for variant in variants)

    def reached(self, goal: Goal) -> tuple[float, bool]:
        """Return the value that a goal bounds, and whether the goal is met."""
        if goal.against:
            value = self.ratio(goal.variant, goal.against, goal.metric).median
        else:
            value = self.spread(goal.variant, goal.metric).median
        return value, value <= goal.bound if goal.at_most else value >= goal.bound


def spread(values: Sequence[float]) -> Spread:
    """Return median, least and most of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def interleaved(
    trials: Mapping[str, Trial],
    rounds: int,
    report: Callable[[str], object],
    *,
    metric: str,
    warm_up: bool,
) -> dict[str, dict[str, list[float]]]:
    """Run every trial once per round, every second round in the opposite order.

    Reports each trial and its value of `metric`. With `warm_up` an extra round runs first,
    which is not recorded.
    """
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in trials}
    order = list(trials)
    for number in range(0 if warm_up else 1, rounds + 1):
        for name in order:
            report(f"round {number} of {rounds}: {name}" if number else f"warm-up: {name}")
            metrics = trials[name]()
            report(f"    {metric} {metrics[metric]:,.4g}")
            for key, value in metrics.items() if number else ():
                taken[name].setdefault(key, []).append(value)
        order.reverse()
    return taken
