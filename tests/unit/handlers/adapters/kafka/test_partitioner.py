"""handlers/adapters/kafka/partitioner.py: in runs, over all partitions in the long term."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import pytest

from handlers.adapters.kafka.partitioner import RUN, StickyRunPartitioner


class Cluster:
    """Kafka's metadata of the topic: its partitions, and those that have a leader."""

    def __init__(self, partitions: set[int] | None, led: set[int] | None = None) -> None:
        self.partitions = partitions
        self.led = partitions if led is None else led

    def partitions_for_topic(self, _: str) -> set[int] | None:
        return self.partitions

    def available_partitions_for_topic(self, _: str) -> set[int] | None:
        return self.led


def chosen(partitioner: StickyRunPartitioner, cluster: Any, records: int) -> list[int]:
    return [
        partitioner.partition("coupons", "42", b"42", b"{}", b"{}", cluster) for _ in range(records)
    ]


def test_a_run_goes_to_one_partition_and_the_next_run_to_the_next() -> None:
    found = chosen(StickyRunPartitioner(), Cluster({0, 1, 2}), 7 * RUN)
    runs = [(partition, len(list(records))) for partition, records in groupby(found)]
    assert [length for _, length in runs] == [RUN] * 7
    first = runs[0][0]
    assert [partition for partition, _ in runs] == [(first + n) % 3 for n in range(7)]


def test_many_producers_with_a_record_each_use_all_partitions() -> None:
    starts = Counter(
        chosen(StickyRunPartitioner(), Cluster(set(range(6))), 1)[0] for _ in range(600)
    )
    assert sorted(starts) == [0, 1, 2, 3, 4, 5]
    assert max(starts.values()) < 200  # 100 each on average; ten standard deviations off


def test_a_partition_without_a_leader_is_passed_over_while_another_has_one() -> None:
    assert set(chosen(StickyRunPartitioner(), Cluster({0, 1, 2}, {0, 2}), 3 * RUN)) == {0, 2}
    assert set(chosen(StickyRunPartitioner(), Cluster({0, 1}, set()), 3 * RUN)) == {0, 1}


@pytest.mark.parametrize("partitions", [None, set()])
def test_a_topic_that_is_not_there_is_an_error(partitions: set[int] | None) -> None:
    with pytest.raises(ValueError, match="Kafka has no topic coupons"):
        chosen(StickyRunPartitioner(), Cluster(partitions, partitions), 1)


def test_threads_share_the_runs() -> None:
    partitioner, cluster = StickyRunPartitioner(), Cluster({0, 1})
    with ThreadPoolExecutor(8) as threads:
        parts = threads.map(lambda _: chosen(partitioner, cluster, RUN), range(8))
    assert Counter(partition for part in parts for partition in part) == {0: 4 * RUN, 1: 4 * RUN}
