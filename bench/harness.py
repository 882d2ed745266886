"""Trials of several variants, interleaved, and what they come to.

A machine is faster at one moment than at the next. So the variants of a case take turns, and a
ratio is the median over the rounds of (ours / baseline within the same round).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from bench.cluster import Cluster

    Figures = Mapping[str, float]
    Trial = Callable[[], Figures]

FAILURES = "failures"  # the metric of answers that no client should have got
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
    metric: str  # the one that ratios and pictures show
    baseline: str  # the variant that the others are divided by; "" for none
    goals: Sequence[Goal]
    variants: Callable[[Cluster, Scale], AbstractContextManager[Mapping[str, Trial]]]
    # A round that does not count: connections, imports, caches of the servers.
    warm_up: bool = True
    # Where one round takes so long, and measures so much, that more of them are no gain.
    rounds_max: int | None = None
    # What the report tells besides the metric, of variants that have it.
    beside: Sequence[str] = LATENCIES
    # Variants that are not our programs: what they answer wrongly is told, and fails nothing.
    for_the_record: Collection[str] = ()


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
        """How many trials of each variant there are."""
        return min(len(metrics[self.case.metric]) for metrics in self.trials.values())

    @property
    def failures(self) -> int:
        """How many answers were wrong, in all."""
        return sum(map(self.failures_of, self.trials.keys() - set(self.case.for_the_record)))

    def failures_of(self, variant: str) -> int:
        """How many answers of one variant were wrong."""
        return int(sum(self.trials[variant].get(FAILURES, ())))

    def spread(self, variant: str, metric: str) -> Spread:
        """Return the spread of one metric over the rounds."""
        return spread(self.trials[variant][metric])

    def ratio(self, variant: str, against: str, metric: str) -> Spread:
        """Return the spread of the quotients of the rounds; 0 where the other did nothing."""
        ours, theirs = self.trials[variant][metric], self.trials[against][metric]
        return spread([a / b if b else 0 for a, b in zip(ours, theirs, strict=True)])

    def reached(self, goal: Goal) -> tuple[float, bool]:
        """Return the value that a goal is about, and whether it is met."""
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

    Reports each trial, and what it reached in `metric`. With `warm_up` a first round comes before,
    of which nothing is kept.
    """
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in trials}
    order = list(trials)
    for number in range(0 if warm_up else 1, rounds + 1):
        for name in order:
            report(f"round {number} of {rounds}: {name}" if number else f"warm-up: {name}")
            figures = trials[name]()
            report(f"    {metric} {figures[metric]:,.4g}")
            for key, value in figures.items() if number else ():
                taken[name].setdefault(key, []).append(value)
        order.reverse()
    return taken
