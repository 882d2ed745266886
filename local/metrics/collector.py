"""Gives the numbers of a program's processes to prometheus_client, which knows the formats."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from handlers.domain import metrics
from handlers.domain.metric import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from local.metrics.snapshot import Snapshot

FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class NumbersCollector(Collector):
    """What Prometheus sees: every metric that has a number."""

    def __init__(self, numbers: Callable[[], Snapshot]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this moment."""
        numbers = self._numbers()
        for metric in metrics.ALL:
            values = numbers.get(metric.name)
            if values:
                is_histogram = isinstance(metric, Histogram)
                yield _histogram(metric, values) if is_histogram else _family(metric, values)


def registry(numbers: Callable[[], Snapshot]) -> CollectorRegistry:
    """Return a registry of these numbers alone."""
    made = CollectorRegistry(auto_describe=False)
    made.register(NumbersCollector(numbers))
    return made


def _family(metric: Any, values: dict[Any, Any]) -> Metric:
    family: Any = FAMILIES[metric.kind](metric.name, metric.help_text, labels=metric.labels)
    for labels, number in values.items():
        family.add_metric(labels, number)
    return family  # type: ignore[no-any-return]


def _histogram(metric: Any, values: dict[Any, Any]) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help_text, labels=metric.labels)
    bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
    for labels, (*counts, amount) in values.items():
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        family.add_metric(labels, buckets, amount)
    return family
