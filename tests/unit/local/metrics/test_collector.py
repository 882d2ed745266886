"""What Prometheus reads of some numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from handlers.domain import metrics
from local.metrics.collector import registry

if TYPE_CHECKING:
    from local.metrics.snapshot import Snapshot


def samples(numbers: Snapshot) -> dict[tuple[str, tuple[str, ...]], float]:
    text = generate_latest(registry(lambda: numbers)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_gauges_have_their_name_and_labels() -> None:
    numbers: Snapshot = {
        metrics.REQUESTS.name: {("POST", "/campaigns/{id}/apply", "SOLD_OUT"): 9},
        metrics.LAG.name: {("0",): 4, ("1",): 0},
    }
    assert samples(numbers) == {
        ("seonchak_requests_total", ("/campaigns/{id}/apply", "POST", "SOLD_OUT")): 9,
        ("seonchak_consumer_lag_records", ("0",)): 4,
        ("seonchak_consumer_lag_records", ("1",)): 0,
    }


def test_the_buckets_of_a_histogram_count_what_is_below_them() -> None:
    counts = [0.0] * (len(metrics.BATCH_SECONDS.buckets) + 1)
    counts[0], counts[2], counts[-1] = 3, 2, 1
    found = samples({metrics.BATCH_SECONDS.name: {(): [*counts, 61.5]}})
    name = metrics.BATCH_SECONDS.name
    assert found[f"{name}_bucket", ("0.005",)] == 3
    assert found[f"{name}_bucket", ("0.01",)] == 3
    assert found[f"{name}_bucket", ("0.025",)] == 5
    assert found[f"{name}_bucket", ("60.0",)] == 5
    assert found[f"{name}_bucket", ("+Inf",)] == found[f"{name}_count", ()] == 6
    assert found[f"{name}_sum", ()] == 61.5


def test_a_metric_without_a_number_is_not_shown() -> None:
    assert samples({metrics.LAG.name: {}}) == {}
