"""What the doors need and cost: API Gateway and Lambda, CloudFront before them, ALB and Fargate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infra.cost.workload import Door

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.cost.catalogue import Catalogue
    from infra.cost.load import Load
    from infra.cost.workload import Workload

MILLION = 1_000_000
GB = 1_000_000_000
MB_OF_A_GB_SECOND = 1024
SECONDS_OF_AN_HOUR = 3600
# What one unit of an Application Load Balancer is; the largest of the three counts.
CONNECTIONS_PER_S_OF_A_UNIT = 25
CONNECTION_MINUTES_OF_A_UNIT_HOUR = 3000 * 60
# Of containers.yaml: a task of the poll runner, and the scheduler.
CONSUMER_VCPUS, CONSUMER_GB = 1, 2
SCHEDULER_VCPUS, SCHEDULER_GB = 0.5, 1

NAMES = {
    Door.LAMBDA: "API Gateway, Lambda",
    Door.CLOUDFRONT: "CloudFront before them",
    Door.CONTAINERS: "ALB, Fargate",
}


def environments(load: Load, inputs: Catalogue) -> float:
    """Return the concurrency that Lambda counts: busy environments, or a tenth of the requests."""
    per_environment = inputs.limits["lambda_per_environment_s"].value
    return max(load.concurrency, load.requests_per_s / per_environment)


def cold_environments(workload: Workload, load: Load, inputs: Catalogue) -> float:
    """Return how many environments the opening starts: all but those that are kept ready."""
    return max(0.0, environments(load, inputs) - workload.provisioned)


def cold_start_ms(inputs: Catalogue) -> float:
    """Return what a cold start adds to the first request of an environment."""
    vcpus = min(1.0, inputs.size["api_memory_mb"] / inputs.limits["lambda_vcpu_mb"].value)
    return inputs.measured["cold_start_ms"] / vcpus


def gateway_tasks(load: Load, inputs: Catalogue) -> int:
    """Return the gateway's tasks for the busiest second."""
    vcpus = load.gateway_cores / inputs.assumed["gateway_cpu_share"]
    needed = math.ceil(vcpus / inputs.size["gateway_vcpus"])
    return max(int(inputs.size["gateway_tasks_min"]), needed)


def vcpus(load: Load, inputs: Catalogue) -> float:
    """Return the vCPUs of all tasks in the busiest second."""
    consumers = inputs.size["consumer_tasks"] * CONSUMER_VCPUS
    return gateway_tasks(load, inputs) * inputs.size["gateway_vcpus"] + consumers + SCHEDULER_VCPUS


def reserved_units(load: Load) -> int:
    """Return the load balancer's units that the opening needs at once: by itself it grows late."""
    return math.ceil(load.connections_per_s / CONNECTIONS_PER_S_OF_A_UNIT)


def usage_cost(workload: Workload, load: Load, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part of the door for usage, WAF and logs aside."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    sent_gb = _sent_bytes(workload, load, inputs) / GB
    if workload.door is Door.CONTAINERS:
        return {
            "ALB units": _unit_hours(workload, load, inputs) * prices["alb_unit"],
            "data transfer": sent_gb * prices["transfer_gb"],
        }
    millions = load.requests / MILLION
    parts = {
        "API Gateway": millions * prices["api_request"],
        "Lambda invocations": (millions + load.batches / MILLION) * prices["lambda_request"],
        "Lambda time": _gb_seconds(load, inputs) * prices[f"lambda_{workload.architecture}"],
        "Lambda cold starts": _cold_gb_seconds(workload, load, inputs)
        * prices[f"lambda_{workload.architecture}"],
    }
    if workload.door is Door.LAMBDA:
        return parts | {"data transfer": sent_gb * prices["transfer_gb"]}
    to_origin_gb = load.requests * inputs.assumed["request_bytes"] / GB
    asked = load.requests + load.looks_cached
    return parts | {
        "CloudFront requests": asked / MILLION * prices["cloudfront_request"],
        # Each request that is the service's runs one, before the cache: its viewer's address.
        "CloudFront Functions": asked / MILLION * prices["cloudfront_function"],
        "data transfer": sent_gb * prices["cloudfront_gb"]
        + to_origin_gb * prices["cloudfront_origin_gb"],
    }


def fixed_cost(workload: Workload, load: Load, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part of the door for the hours that it is there."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    size, hours = inputs.size, workload.hours
    opening_h = min(hours, inputs.assumed["opening_hours"])
    endpoint = size["zones"] * prices["endpoint"] * hours
    if workload.door is Door.CONTAINERS:
        return {
            "ALB": prices["alb"] * hours,
            "Fargate": _fargate(workload, load, inputs, prices, opening_h),
            "VPC endpoints": size["endpoints_containers"] * endpoint,
        }
    parts = {
        # As many as there are partitions, since they scale up only after the rush has started.
        "Kafka pollers": size["kafka_partitions"] * prices["poller"] * hours,
        "VPC endpoints": size["endpoints"] * endpoint,
    }
    if workload.provisioned:
        gb = size["api_memory_mb"] / MB_OF_A_GB_SECOND
        price = prices[f"lambda_provisioned_{workload.architecture}"]
        kept_s = opening_h * SECONDS_OF_AN_HOUR
        parts["provisioned environments"] = workload.provisioned * gb * kept_s * price
    return parts


def _fargate(
    workload: Workload,
    load: Load,
    inputs: Catalogue,
    prices: Mapping[str, float],
    opening_h: float,
) -> float:
    """Return USD for the tasks: as many as the opening needs around it, and the least otherwise."""
    size = inputs.size
    usual_h = size["gateway_tasks_min"] * (workload.hours - opening_h)
    task_h = gateway_tasks(load, inputs) * opening_h + usual_h
    beside_vcpus = size["consumer_tasks"] * CONSUMER_VCPUS + SCHEDULER_VCPUS
    beside_gb = size["consumer_tasks"] * CONSUMER_GB + SCHEDULER_GB
    vcpu_h = task_h * size["gateway_vcpus"] + beside_vcpus * workload.hours
    gb_h = task_h * size["gateway_gb"] + beside_gb * workload.hours
    kind = workload.architecture
    return vcpu_h * prices[f"fargate_vcpu_{kind}"] + gb_h * prices[f"fargate_gb_{kind}"]


def _unit_hours(workload: Workload, load: Load, inputs: Catalogue) -> float:
    """Return the load balancer's unit-hours: what is reserved, or what is used if that is more."""
    people, requests = workload.applicants, load.requests
    taken_in = requests * inputs.assumed["request_bytes"]
    used = max(
        people / (CONNECTIONS_PER_S_OF_A_UNIT * SECONDS_OF_AN_HOUR),
        people * inputs.assumed["connection_minutes"] / CONNECTION_MINUTES_OF_A_UNIT_HOUR,
        (_sent_bytes(workload, load, inputs) + taken_in) / GB,
    )
    return max(used, reserved_units(load) * inputs.assumed["opening_hours"])


def _gb_seconds(load: Load, inputs: Catalogue) -> float:
    api_ms = sum(
        outcome.count * math.ceil(outcome.duration_ms)  # billed by whole milliseconds
        for outcome in load.outcomes.values()
    )
    consume_ms = load.batches * math.ceil(inputs.assumed["batch_ms"])
    size = inputs.size
    megabyte_ms = api_ms * size["api_memory_mb"] + consume_ms * size["consume_memory_mb"]
    return megabyte_ms / 1000 / MB_OF_A_GB_SECOND


def _cold_gb_seconds(workload: Workload, load: Load, inputs: Catalogue) -> float:
    """Return what the init phase of each new environment takes; AWS bills it since August 2025."""
    cold_s = cold_environments(workload, load, inputs) * cold_start_ms(inputs) / 1000
    return cold_s * inputs.size["api_memory_mb"] / MB_OF_A_GB_SECOND


def _sent_bytes(workload: Workload, load: Load, inputs: Catalogue) -> float:
    responses = (load.requests + load.looks_cached) * inputs.assumed["answer_bytes"]
    return responses + workload.applicants * inputs.assumed["handshake_bytes"]
