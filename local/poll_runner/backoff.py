"""Which partitions wait before they are tried again, and how long."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka.structs import TopicPartition

# The first retry comes soon, because most failures are short. The longest wait is bounded, so
# that the end of an outage is noticed within half a minute.
DELAY_S_MIN = 0.2
DELAY_S_MAX = 30.0
DOUBLINGS_MAX = 8  # 0.2 s * 2**8 is above the maximum already


class Backoff:
    """Exponential waits, each partition on its own, as Lambda polls each on its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[TopicPartition, int] = {}
        self._due_s: dict[TopicPartition, float] = {}

    def failed(self, partition: TopicPartition) -> float:
        """Record one more failure; return the seconds to wait (with jitter)."""
        failures = self._failures.get(partition, 0)
        self._failures[partition] = failures + 1
        delay_s = min(DELAY_S_MAX, DELAY_S_MIN * (1 << min(failures, DOUBLINGS_MAX)))
        # Jitter: two runners that failed together do not retry together.
        delay_s = max(DELAY_S_MIN, delay_s * random.uniform(0.5, 1))  # noqa: S311 - no secret
        self._due_s[partition] = self._clock() + delay_s
        return delay_s

    def succeeded(self, partition: TopicPartition) -> None:
        """Forget the failures of `partition`."""
        self._failures.pop(partition, None)
        self._due_s.pop(partition, None)

    def keep_only(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget the partitions that were assigned to another consumer."""
        for partition in self._failures.keys() - set(partitions):
            self.succeeded(partition)

    def waiting(self) -> set[TopicPartition]:
        """Return the partitions that must not be read yet."""
        now_s = self._clock()
        return {partition for partition, due_s in self._due_s.items() if due_s > now_s}

    def troubled(self) -> bool:
        """Tell whether any partition has records that failed and were not yet done."""
        return bool(self._failures)

    def next_due_in_s(self) -> float | None:
        """Return the seconds until the first waiting partition may be read; None: none waits."""
        now_s = self._clock()
        return min((due_s - now_s for due_s in self._due_s.values() if due_s > now_s), default=None)
