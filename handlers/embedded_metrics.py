"""Writes a Lambda function's metrics into its log, in CloudWatch's embedded metric format.

The names are those that Prometheus sees elsewhere; of a histogram _count and _sum. A line for each
combination of labels that has changed, once a second at most: a thousand requests of one kind cost
as much as one. Labels whose values have no end in sight are left out, as each combination is a
metric that CloudWatch bills: what differs in them is added up, an age is the highest.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from handlers import log
from handlers.domain import metrics
from handlers.domain.metric import COUNTING, Gauge, Histogram
from handlers.once import once
from handlers.wiring import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from handlers.domain.metric import Labels, Metric

MESSAGE = "metrics"
SECOND_S = 1.0
# In one go; the next one begins with the rest. A line has some 400 bytes.
LINES_MAX = 100
LEFT_OUT = frozenset({"campaign", "partition"})

Group = tuple[tuple[str, str], ...]  # names and values of labels
Numbers = dict[Group, dict[str, float]]  # values by the names of metrics


class EmbeddedMetrics:
    """What this process has written already; shared by its threads."""

    def __init__(self, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._namespace = namespace
        self._clock = clock
        self._lock = Lock()
        self._written: dict[tuple[Group, str], float] = {}
        self._last: Group = ()
        self._due_at = 0.0

    def write_due(self) -> None:
        """Write if the last time is a second ago; else a later request writes it."""
        if self._clock() >= self._due_at:
            self.write()

    def write(self) -> None:
        """Write what was counted since the last time, and the states of now."""
        with self._lock:
            self._due_at = self._clock() + SECOND_S
            totals, states = _totals(), _states()
            lines = 0
            for group in self._turns(totals.keys() | states.keys()):
                changed = self._changed(group, totals.get(group, {})) | states.get(group, {})
                if not changed:
                    continue
                if lines == LINES_MAX:
                    break
                lines += 1
                self._last = group
                self._note(group, totals.get(group, {}))
                log.info(MESSAGE, _line(self._namespace, group, changed))

    def _turns(self, groups: Iterable[Group]) -> list[Group]:
        """Return the groups, first those behind the last one that was written."""
        ordered = sorted(groups)
        start = bisect_right(ordered, self._last)
        return ordered[start:] + ordered[:start]

    def _changed(self, group: Group, now: Mapping[str, float]) -> dict[str, float]:
        before = {name: self._written.get((group, name), 0) for name in now}
        return {name: now[name] - before[name] for name in now if now[name] != before[name]}

    def _note(self, group: Group, now: Mapping[str, float]) -> None:
        self._written |= {(group, name): number for name, number in now.items()}


@once
def embedded_metrics() -> EmbeddedMetrics:
    """Return those of this process; their namespace is that of the stage's other metrics."""
    return EmbeddedMetrics(f"seonchak/{settings().stage}")


def count_response(method: str, route: str, status: int, started: float) -> None:
    """Count a response as the gateway does elsewhere; write, if a second is over.

    started: time.perf_counter() at the request's arrival.
    """
    if COUNTING.is_on:
        metrics.RESPONSES.inc((method, route, str(status)))
        metrics.RESPONSE_SECONDS.observe((method, route), time.perf_counter() - started)
        embedded_metrics().write_due()


@contextmanager
def job(function: str, last: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Count a run of a scheduled function as the scheduler does elsewhere; then write.

    last: what is measured at the end, also of a run that fails.
    """
    started, result = time.perf_counter(), "failed"
    try:
        yield
        result = "succeeded"
    finally:
        if COUNTING.is_on:
            metrics.JOBS.inc((function, result))
            metrics.JOB_SECONDS.observe((function,), time.perf_counter() - started)
            last()
            embedded_metrics().write()


def _totals() -> Numbers:
    """Return what only rises."""
    totals: Numbers = defaultdict(lambda: defaultdict(float))
    for metric in metrics.ALL:
        for labels, number in metric.snapshot().items():
            group = _group(metric, labels)
            if isinstance(metric, Histogram):
                *counts, amount = number
                totals[group][f"{metric.name}_count"] += sum(counts)
                totals[group][f"{metric.name}_sum"] += amount
            elif not isinstance(metric, Gauge):
                totals[group][metric.name] += number
    return totals


def _states() -> Numbers:
    """Return how much there is at the moment."""
    states: Numbers = defaultdict(dict)
    for metric in metrics.ALL:
        if isinstance(metric, Gauge):
            for labels, number in metric.snapshot().items():
                of_group = states[_group(metric, labels)]
                before = of_group.get(metric.name, 0)
                is_age = metric.name.endswith("_seconds")
                of_group[metric.name] = max(before, number) if is_age else before + number
    return states


def _group(metric: Metric[Any], labels: Labels) -> Group:
    named = zip(metric.labels, labels, strict=True)
    return tuple((name, value) for name, value in named if name not in LEFT_OUT)


def _line(namespace: str, group: Group, numbers: Mapping[str, float]) -> dict[str, Any]:
    described = [{"Name": name, "Unit": _unit(name)} for name in numbers]
    dimensions = [[name for name, _ in group]]
    directive = {"Namespace": namespace, "Dimensions": dimensions, "Metrics": described}
    embedded = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {**dict(group), **numbers, "_aws": embedded}


def _unit(name: str) -> str:
    return "Seconds" if name.endswith(("_seconds", "_seconds_sum")) else "Count"
