"""handlers/adapters/kafka/group_producer.py: a group to one partition, all in the long term."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, NotLeaderForPartitionError
from kafka.producer.future import FutureProduceResult
from kafka.structs import TopicPartition

from handlers.adapters.kafka.group_producer import RUN, PartitionsInTurn, Sent


class Cluster:
    """Kafka's metadata of the topic: its partitions, and those that have a leader."""

    def __init__(self, partitions: set[int] | None, led: set[int] | None = None) -> None:
        self.partitions = partitions
        self.led = partitions if led is None else led

    def partitions_for_topic(self, _: str) -> set[int] | None:
        return self.partitions

    def available_partitions_for_topic(self, _: str) -> set[int] | None:
        return self.led


def chosen(in_turn: PartitionsInTurn, cluster: Any, groups: int, records: int = RUN) -> list[int]:
    return [in_turn.next(cluster, "coupons", records) for _ in range(groups)]


def test_a_run_of_records_goes_to_one_partition_and_the_next_run_to_the_next() -> None:
    found = chosen(PartitionsInTurn(), Cluster({0, 1, 2}), 28, records=RUN // 4)
    assert found == [(found[0] + n // 4) % 3 for n in range(28)]


def test_a_group_larger_than_a_run_goes_to_one_partition() -> None:
    found = chosen(PartitionsInTurn(), Cluster({0, 1, 2}), 3, records=4 * RUN)
    assert found == [(found[0] + n * 4) % 3 for n in range(3)]


def test_many_producers_with_a_record_each_use_all_partitions() -> None:
    starts = Counter(chosen(PartitionsInTurn(), Cluster(set(range(6))), 1)[0] for _ in range(600))
    assert sorted(starts) == [0, 1, 2, 3, 4, 5]
    assert max(starts.values()) < 200  # 100 each on average; ten standard deviations off


def test_a_partition_without_a_leader_is_passed_over_while_another_has_one() -> None:
    assert set(chosen(PartitionsInTurn(), Cluster({0, 1, 2}, {0, 2}), 6)) == {0, 2}
    assert set(chosen(PartitionsInTurn(), Cluster({0, 1}, set()), 6)) == {0, 1}


@pytest.mark.parametrize("partitions", [None, set()])
def test_a_topic_that_is_not_there_is_an_error(partitions: set[int] | None) -> None:
    with pytest.raises(ValueError, match="Kafka has no topic coupons"):
        chosen(PartitionsInTurn(), Cluster(partitions, partitions), 1)


def test_threads_share_the_turns() -> None:
    in_turn, cluster = PartitionsInTurn(), Cluster({0, 1})
    with ThreadPoolExecutor(8) as threads:
        parts = threads.map(lambda _: chosen(in_turn, cluster, 100), range(8))
    assert Counter(partition for part in parts for partition in part) == {0: 400, 1: 400}


def sent() -> Sent:
    return Sent(2, FutureProduceResult(TopicPartition("coupons", 0)))


def test_an_acknowledged_batch_is_waited_for_until_then() -> None:
    batch = sent()
    batch.future.success((17, -1, None))
    batch.wait(time.monotonic())


def test_a_batch_that_kafka_refuses_raises_its_error() -> None:
    batch = sent()
    batch.future.success((-1, -1, lambda _: NotLeaderForPartitionError()))
    with pytest.raises(NotLeaderForPartitionError):
        batch.wait(time.monotonic())


def test_a_batch_that_the_client_gave_up_raises_why() -> None:
    batch = sent()
    batch.future.failure(NotLeaderForPartitionError())
    with pytest.raises(NotLeaderForPartitionError):
        batch.wait(time.monotonic())


def test_a_batch_without_an_acknowledgement_is_waited_for_until_the_deadline() -> None:
    with pytest.raises(KafkaTimeoutError):
        sent().wait(time.monotonic() - 1)
