"""The whole estimate of a workload: load, money, limits, and the values from memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.cost import doors, limits, money
from infra.cost.catalogue import catalogue
from infra.cost.load import load

if TYPE_CHECKING:
    from infra.cost.limits import Use
    from infra.cost.load import Load
    from infra.cost.workload import Workload


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a workload needs and costs."""

    workload: Workload
    load: Load
    environments: float  # of Lambda; 0 without it
    cold_start_ms: float
    cold_environments: float
    tasks: int  # of the gateway; 0 where Lambda serves
    uses: list[Use]
    use_usd: dict[str, float]
    fixed_usd: dict[str, float]
    last_row_after_s: float
    from_memory: list[str]

    @property
    def total_usd(self) -> float:
        """Return what the workload costs, including the servers for its hours."""
        return sum(self.use_usd.values()) + sum(self.fixed_usd.values())

    def per_million_applies(self, usd: float) -> float:
        """Return a part's USD per million requests to apply."""
        return usd / self.workload.applies * doors.MILLION

    def as_json(self) -> dict[str, Any]:
        """Return the estimate for JSON."""
        return {
            "door": self.workload.door,
            "applies": self.workload.applies,
            "accepted": self.workload.accepted,
            "requests": self.load.requests,
            "requests_per_s": {
                "mean": self.load.requests / (self.workload.minutes * 60),
                "peak": self.load.requests_per_s,
                "turned_away": self.load.wanted_per_s - self.load.requests_per_s,
            },
            "sold_out_after_s": self.load.sold_out_after_s,
            "last_row_after_s": self.last_row_after_s,
            "environments": self.environments,
            "cold_environments": self.cold_environments,
            "tasks": self.tasks,
            "outcomes": {
                name: {
                    "count": outcome.count,
                    "in_busiest_second": outcome.in_busiest_second,
                    "duration_ms": outcome.duration_ms,
                    "gateway_cpu_us": outcome.gateway_us,
                    "redis_calls": outcome.count * outcome.redis_calls,
                }
                for name, outcome in self.load.outcomes.items()
            },
            "redis": {
                "calls": self.load.redis_calls,
                "calls_per_s": self.load.redis_calls_per_s,
                "cores": self.load.redis_cores,
            },
            "limits": [
                {
                    "name": use.name,
                    "needed": use.needed,
                    "capacity": use.capacity,
                    "unit": use.unit,
                    "share": use.share,
                    "remedy": use.remedy,
                }
                for use in self.uses
            ],
            "usd": {
                "use": self.use_usd,
                "use_per_million_applies": {
                    part: self.per_million_applies(usd) for part, usd in self.use_usd.items()
                },
                "standing": self.fixed_usd,
                "total": self.total_usd,
            },
            "from_memory": self.from_memory,
        }


def estimate(workload: Workload) -> Estimate:
    """Return what `workload` needs and costs; KeyError for an unknown region or size."""
    inputs = catalogue(workload.region, workload.size)
    done = load(workload, inputs)
    prices = inputs.prices.values()
    functions = workload.door.has_functions
    return Estimate(
        workload=workload,
        load=done,
        environments=doors.environments(done, inputs) if functions else 0.0,
        cold_start_ms=doors.cold_start_ms(inputs),
        cold_environments=(doors.cold_environments(workload, done, inputs) if functions else 0.0),
        tasks=0 if functions else doors.gateway_tasks(done, inputs),
        uses=limits.limit_usage(workload, done, inputs),
        use_usd=money.usage_cost(workload, done, inputs),
        fixed_usd=money.fixed_cost(workload, done, inputs),
        last_row_after_s=max(
            done.sold_out_after_s or workload.minutes * 60,
            workload.accepted / inputs.assumed[f"rows_per_s_{workload.size}"],
        ),
        from_memory=[entry.what for entry in prices if entry.is_from_memory],
    )
