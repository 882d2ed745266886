"""What a workload needs of each limit, and what to do about limits that are too low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.cost import doors
from infra.cost.workload import Door

if TYPE_CHECKING:
    from infra.cost.catalogue import Catalogue
    from infra.cost.load import Load
    from infra.cost.workload import Workload

BYTES_OF_A_GIB = 1024**3
BYTES_OF_A_MIB = 1024**2
BYTES_OF_A_MB = 1_000_000
ONE_CORE = 1.0


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit is needed, in `unit`; `remedy` says what to do where it is too low."""

    name: str
    needed: float
    capacity: float
    unit: str
    remedy: str

    @property
    def share(self) -> float:
        """Return the needed share of the limit; above 1 it breaks."""
        return self.needed / self.capacity


def limit_usage(workload: Workload, load: Load, inputs: Catalogue) -> list[Use]:
    """Return all limits, the first to break first."""
    if workload.door is Door.CONTAINERS:
        door = _containers(load, inputs)
    else:
        door = [*_api_gateway(load, inputs), *_functions(workload, load, inputs)]
    if workload.door is Door.CLOUDFRONT:
        door.append(_cloudfront(load, inputs))
    found = [
        *door,
        _firewall(load, inputs),
        *_redis(workload, load, inputs),
        *_kafka(workload, load, inputs),
        *_database(workload, load, inputs),
    ]
    return sorted(found, key=lambda use: use.share, reverse=True)


def _api_gateway(load: Load, inputs: Catalogue) -> list[Use]:
    account = inputs.limits["api_per_s"].value
    stage = inputs.size["api_per_s"]
    return [
        Use(
            "API Gateway throttle",
            load.requests_per_s,
            min(account, stage),
            "requests/s",
            "have the account's quota raised weeks before, then Throttle and Burst of the size; "
            "what is above it gets 429 and has to come again",
        ),
    ]


def _firewall(load: Load, inputs: Catalogue) -> Use:
    return Use(
        "WAF web ACL",
        load.wanted_per_s,  # WAF runs before the throttle
        inputs.limits["waf_per_s"].value,
        "requests/s",
        "have it raised, or share the campaign among several stages",
    )


def _cloudfront(load: Load, inputs: Catalogue) -> Use:
    return Use(
        "CloudFront distribution",
        load.wanted_per_s,
        inputs.limits["cloudfront_per_s"].value,
        "requests/s",
        "have it raised weeks before",
    )


def _containers(load: Load, inputs: Catalogue) -> list[Use]:
    return [
        Use(
            "Fargate quota of the account",
            doors.vcpus(load, inputs),
            inputs.limits["fargate_vcpus"].value,
            "vCPUs",
            "have it raised weeks before (Service Quotas, Fargate On-Demand vCPU resource count)",
        ),
        Use(
            "tasks of the gateway",
            doors.gateway_tasks(load, inputs),
            inputs.size["gateway_tasks_max"],
            "tasks",
            "raise GatewayTasksMax, and OpeningTasks with it",
        ),
        Use(
            "ALB units at the opening",
            doors.reserved_units(load),
            inputs.limits["alb_units"].value,
            "units",
            "CapacityUnits as many as needed, hours before; the account's quota for a region is 0 "
            "until it is raised",
        ),
    ]


def _functions(workload: Workload, load: Load, inputs: Catalogue) -> list[Use]:
    needed = doors.environments(load, inputs)
    return [
        Use(
            "Lambda quota of the account",
            needed,
            inputs.limits["lambda_concurrency"].value,
            "environments",
            "have it raised weeks before (Service Quotas, concurrent executions)",
        ),
        Use(
            "reserved concurrency of the API",
            needed,
            inputs.size["api_concurrency"],
            "environments",
            "raise ApiConcurrency of the size once the account's quota allows it",
        ),
        Use(
            "Lambda's scaling from cold",
            doors.cold_environments(workload, load, inputs),
            inputs.limits["lambda_scaling"].value,
            "environments in 10 s",
            "provisioned concurrency before the opening; otherwise errors for some seconds",
        ),
    ]


def _redis(workload: Workload, load: Load, inputs: Catalogue) -> list[Use]:
    gib = inputs.size["redis_durable_gib" if workload.durable_redis else "redis_gib"]
    memory = gib * inputs.limits["redis_memory_share"].value
    log = [_log_of_redis(load, inputs)] if workload.durable_redis else []
    return [
        *log,
        Use(
            "Redis CPU",
            load.redis_cores,
            ONE_CORE,
            "cores",
            "more nodes do not help one campaign, whose keys share a slot: a faster core, a lower "
            "throttle at the door, or several campaigns",
        ),
        Use(
            "Redis memory",
            workload.accepted * inputs.measured["redis_user_bytes"] / BYTES_OF_A_GIB,
            memory,
            "GiB",
            "a larger node type; a full Redis admits no user (noeviction)",
        ),
    ]


def _log_of_redis(load: Load, inputs: Catalogue) -> Use:
    return Use(
        "Redis's log",
        load.records_per_s * inputs.assumed["redis_written_bytes"] / BYTES_OF_A_MIB,
        inputs.limits["redis_durable_mb_per_s"].value,
        "MiB/s",
        "a Valkey that is not durable has none: our promises do not need it",
    )


def _kafka(workload: Workload, load: Load, inputs: Catalogue) -> list[Use]:
    size = inputs.size
    connecting = min(workload.accepted, _processes(workload, load, inputs))
    opened = min(connecting, inputs.limits["lambda_scaling"].value)
    return [
        Use(
            "Kafka's new connections",
            opened,
            inputs.limits[f"kafka_connections_per_s_{workload.size}"].value,
            "a second and broker",
            "let a small campaign run before the big one, so that environments are connected; more "
            "brokers. A request that waits too long gets 503; the relay sends its record",
        ),
        Use(
            "Kafka's connections",
            connecting,
            inputs.limits["kafka_connections"].value,
            "a broker",
            "more brokers",
        ),
        Use(
            "Kafka's produce requests",
            load.records_per_s,
            size["kafka_brokers"] * inputs.assumed[f"kafka_requests_per_s_{workload.size}"],
            "records/s",
            "more or larger brokers, and partitions for them",
        ),
        _consumer(workload, load, inputs),
    ]


def _processes(workload: Workload, load: Load, inputs: Catalogue) -> float:
    """Return how many processes have a connection of their own to Kafka."""
    if workload.door.has_functions:
        return doors.environments(load, inputs)
    return doors.gateway_tasks(load, inputs) * inputs.size["gateway_vcpus"]


def _consumer(workload: Workload, load: Load, inputs: Catalogue) -> Use:
    size = inputs.size
    if workload.door.has_functions:
        megabytes = load.records_per_s * inputs.measured["record_bytes"] / BYTES_OF_A_MB
        pollers = size["kafka_partitions"] * inputs.limits["poller_mb_per_s"].value
        remedy = "more partitions, and pollers for them"
        return Use("Kafka pollers", megabytes, pollers, "MB/s", remedy)
    return Use(
        "poll runners",
        load.records_per_s,
        size["consumer_tasks"] * inputs.measured["poll_runner_per_s"],
        "records/s",
        "ConsumerTasksMin as many as partitions; until then coupons read PENDING for longer",
    )


def _database(workload: Workload, load: Load, inputs: Catalogue) -> list[Use]:
    return [
        Use(
            "rows into MySQL",
            load.records_per_s,
            inputs.assumed[f"rows_per_s_{workload.size}"],
            "rows/s",
            "coupons read PENDING for longer, no more; a larger instance, or more partitions",
        ),
        Use(
            "look-ups in MySQL",
            load.polls_per_s,
            inputs.assumed[f"queries_per_s_{workload.size}"],
            "queries/s",
            "let clients ask less often, the first time after some seconds; a larger instance",
        ),
    ]
