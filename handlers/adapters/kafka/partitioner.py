"""Chooses a coupon's partition: the same one for a while, then the next.

With partitioning by key, concurrent sends would go to different partitions, and a request to Kafka
would carry as many batches of one record as there are partitions, each built, checked and
acknowledged on its own. The idea is from Kafka's sticky partitioner (KIP-480), which applies it
only to records without a key. No two coupons depend on each other's order, so a user's coupons need
not share a partition.
"""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Any

from kafka.partitioner import Partitioner

if TYPE_CHECKING:
    from kafka.cluster import ClusterMetadata

# More than one process sends at once, and few enough that every consumer gets records soon.
RUN = 32


class StickyRunPartitioner(Partitioner):  # type: ignore[misc] # kafka-python has no types
    """Partitions in turn, each for RUN records; shared by the threads of a producer."""

    def __init__(self) -> None:
        # A random start: a thousand Lambda environments with one record each must not all use the
        # same partition. It is a multiple of RUN; next() on a count is one step and needs no lock.
        self._sent = count(random.randrange(1 << 16) * RUN)  # noqa: S311 - not a secret

    def partition(
        self,
        topic: str,
        key: object,  # noqa: ARG002 - the parameters are the library's
        serialized_key: object,  # noqa: ARG002
        value: object,  # noqa: ARG002
        serialized_value: object,  # noqa: ARG002
        cluster: ClusterMetadata,
    ) -> int:
        """Return a partition, with a leader if any has one; ValueError without a topic."""
        partitions: Any = cluster.available_partitions_for_topic(topic)
        partitions = sorted(partitions or cluster.partitions_for_topic(topic) or ())
        if not partitions:
            message = f"Kafka has no topic {topic}"
            raise ValueError(message)
        number: int = partitions[next(self._sent) // RUN % len(partitions)]
        return number
