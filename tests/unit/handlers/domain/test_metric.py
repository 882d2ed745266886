"""Counters, gauges and histograms of a process."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handlers.domain import metric, metrics
from handlers.domain.metric import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    metrics.switch_on()
    yield
    metrics.switch_on()  # forgets what a test has counted
    metrics.switch_off()


def test_a_counter_counts_by_its_labels() -> None:
    counter = Counter("x_total", "", "outcome")
    counter.inc(("SOLD_OUT",))
    counter.inc(("SOLD_OUT",), 2)
    counter.inc(("CLOSED",), 0)
    assert counter.snapshot() == {("SOLD_OUT",): 3, ("CLOSED",): 0}


def test_nothing_is_counted_until_it_is_switched_on() -> None:
    metrics.switch_off()
    counter, histogram = Counter("x_total", ""), Histogram("x_seconds", "", buckets=(1,))
    counter.inc()
    histogram.observe((), 1)
    assert (counter.snapshot(), histogram.snapshot()) == ({}, {})


def test_a_state_is_known_also_if_it_began_before() -> None:
    metrics.switch_off()
    gauge = Gauge("x", "", "server")
    gauge.shift(("kafka",), 1)
    assert gauge.snapshot() == {("kafka",): 1}


def test_a_process_that_was_forked_begins_with_nothing_of_its_parent() -> None:
    metrics.REDRIVEN.inc(("dead",), 3)
    metrics.QUEUED.set_all({("/ready",): 3})
    metrics.switch_on()
    assert metrics.REDRIVEN.snapshot() == {("resolved",): 0, ("retried",): 0, ("dead",): 0}
    assert metrics.QUEUED.snapshot() == {}


def test_a_histogram_counts_a_value_in_the_first_bucket_that_holds_it() -> None:
    histogram = Histogram("x_seconds", "", buckets=(0.1, 1))
    for amount in (0.05, 0.1, 0.2, 5):
        histogram.observe((), amount)
    assert histogram.snapshot() == {(): [2, 1, 1, 5.35]}
    shown = histogram.snapshot()
    histogram.observe((), 1)
    assert shown == {(): [2, 1, 1, 5.35]}, "a snapshot does not move"


def test_threads_lose_no_count() -> None:
    counter, histogram = Counter("x_total", "", "y"), Histogram("x_seconds", "", buckets=(1,))

    def count(_: int) -> None:
        for _ in range(5000):
            counter.inc(("a",))
            histogram.observe((), 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert counter.snapshot() == {("a",): 20_000}
    assert histogram.snapshot() == {(): [20_000, 0, 20_000]}


def test_labels_without_end_are_one_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric, "SERIES_MAX", 3)
    counter, histogram = Counter("x_total", "", "y"), Histogram("x_seconds", "", "y", buckets=(1,))
    for number in range(10):
        counter.inc((str(number),))
        histogram.observe((str(number),), 1)
    assert counter.snapshot() == {("0",): 1, ("1",): 1, ("2",): 1, ("_other",): 7}
    assert len(histogram.snapshot()) == 4


@pytest.mark.parametrize("one", metrics.ALL, ids=lambda one: one.name)
def test_a_metric_is_named_by_prometheus_conventions(one: metric.Metric[float]) -> None:
    assert re.fullmatch(r"seonchak(_[a-z0-9]+)+", one.name)
    assert one.name.endswith("_total") == (one.kind == "counter")
    assert one.name.endswith("_seconds") or one.kind != "histogram"
    assert one.help_text
    assert not one.help_text.endswith(".")
    # Labels that Prometheus sets itself, or that would name a person.
    assert not set(one.labels) & {"job", "instance", "le", "user", "user_id", "token", "code"}


def test_each_metric_has_a_name_of_its_own() -> None:
    names = [one.name for one in metrics.ALL]
    assert len(set(names)) == len(names) == len(metrics.ALL)
    assert {metrics.REQUESTS, metrics.LAG, metrics.BATCH_SECONDS} <= set(metrics.ALL)
