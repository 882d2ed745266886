"""Samples of the whole system, one a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from local.soak.process_usage import ProcessUsage, process_usage

if TYPE_CHECKING:
    from handlers.config import Settings
    from local.harness.processes import Running
    from local.soak.client import SoakContext


class Sampler:
    """Takes samples of programs and Redis."""

    def __init__(self, settings: Settings, programs: list[Running], context: SoakContext) -> None:
        self._redis: Any = connect(settings)
        self._programs = programs
        self._context = context
        self._started = time.monotonic()
        self.taken: list[dict[str, Any]] = []

    def take(self) -> dict[str, Any]:
        """Take one sample, store and return it."""
        sample: dict[str, Any] = {
            "at_s": round(time.monotonic() - self._started, 2),
            "programs": {
                each.program.name: process_usage(each.pid)._asdict() for each in self._programs
            },
            "redis_bytes": self._redis.info("memory")["used_memory"],
            "pending": self._pending(),
            "answers": self._context.stats.count,
        }
        self.taken.append(sample)
        return sample

    def series(self, program: str, measure: str) -> list[float]:
        """Return one measure of one program over all samples."""
        return [sample["programs"][program][measure] for sample in self.taken]

    @property
    def times_s(self) -> list[float]:
        """When the samples were taken."""
        return [sample["at_s"] for sample in self.taken]

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures of each program."""
        return ProcessUsage._fields

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _pending(self) -> int:
        """Return how many are admitted and not yet settled: those in the topic and in consumers."""
        keys = [CampaignKeys.of(each).pending for each in list(self._context.campaign_ids)]
        return sum(self._redis.zcard(key) for key in keys)
