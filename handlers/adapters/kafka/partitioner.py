"""Which partition a coupon goes to: the same one for a while, then the next.

By its key each of some concurrent sends would go to another partition, and a request to Kafka would
carry as many batches of one record as there are partitions, each put together, checked and
acknowledged on its own. The idea is that of Kafka's sticky partitioner (KIP-480), which knows it
only for records without a key. No two coupons depend on each other's order, so a user's need not
share a partition.
"""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Any

from kafka.partitioner import Partitioner

if TYPE_CHECKING:
    from kafka.cluster import ClusterMetadata

# More than one process sends at once, few enough for every consumer to have something soon.
RUN = 32


class StickyRunPartitioner(Partitioner):  # type: ignore[misc] # kafka-python has no types
    """Partitions in turn, each for RUN records; shared by the threads of a producer."""

    def __init__(self) -> None:
        # Anywhere: a thousand Lambda environments with a record each must not all meet in one.
        # Whole runs, for a count is increased by one step, which needs no lock.
        self._sent = count(random.randrange(1 << 16) * RUN)  # noqa: S311 - no secret

    def partition(
        self,
        topic: str,
        key: object,  # noqa: ARG002 - the parameters are the library's
        serialized_key: object,  # noqa: ARG002
        value: object,  # noqa: ARG002
        serialized_value: object,  # noqa: ARG002
        cluster: ClusterMetadata,
    ) -> int:
        """Return a partition that has a leader, where any has one; ValueError without a topic."""
        partitions: Any = cluster.available_partitions_for_topic(topic)
        partitions = sorted(partitions or cluster.partitions_for_topic(topic) or ())
        if not partitions:
            message = f"Kafka has no topic {topic}"
            raise ValueError(message)
        number: int = partitions[next(self._sent) // RUN % len(partitions)]
        return number
