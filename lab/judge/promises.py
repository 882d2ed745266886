"""The promises, in the order in which the stages learn to keep them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.judge import laws, scenarios
from lab.judge.recording import Recording

if TYPE_CHECKING:
    from lab.judge.stage_run import StageRun

Law = Callable[[Recording], laws.Ruling]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the lab does to a stage, and the laws that it then looks at."""

    play: Callable[[StageRun], Recording]
    laws: tuple[Law, ...]
    strikes: str = ""  # a server that not every stage uses


# Two lanes run side by side, each on servers of its own: most of a scenario is waiting. They take
# about as long as each other. The lock of the table is not in the lane of the burst, which may have
# opened the ninth stage's circuit breaker.
LANES = (
    (
        Scenario(scenarios.burst, (laws.quota, laws.answered)),
        Scenario(scenarios.impatient, (laws.one_each,)),
        Scenario(scenarios.redis_forgets, (laws.redis,), "Redis"),
        Scenario(scenarios.kafka_stands_still, (laws.kafka,), "Kafka"),
    ),
    (
        Scenario(scenarios.crash, (laws.crash,)),
        Scenario(scenarios.twice, (laws.twice,), "Kafka"),
        Scenario(scenarios.locked, (laws.mysql_pause, laws.retried)),
    ),
)
PROMISES = (
    "quota", "answered", "one_each", "mysql_pause", "retried", "crash", "kafka", "twice", "redis",
)  # fmt: skip
