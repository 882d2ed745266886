"""What a workload costs: parts that grow with the requests, and parts that cost by the hour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.cost.catalogue import Catalogue
    from infra.cost.load import Load
    from infra.cost.workload import Workload

MILLION = 1_000_000
GB = 1_000_000_000
MB_OF_A_GB_SECOND = 1024
HOURS_OF_A_MONTH = 730  # as in AWS's own calculator


def usage_cost(workload: Workload, load: Load, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part for usage; 0 without requests."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    millions = load.requests / MILLION
    bot_control = millions * prices["bot_control_request"] if workload.bot_control else 0.0
    return {
        "API Gateway": millions * prices["api_request"],
        "Lambda invocations": (millions + load.batches / MILLION) * prices["lambda_request"],
        "Lambda time": _gb_seconds(load, inputs) * prices[f"lambda_{workload.architecture}"],
        "WAF": millions * prices["waf_request"] + bot_control,
        "CloudWatch Logs": _logged_bytes(load, inputs) / GB * prices["logs_gb"],
        "data transfer": _sent_bytes(workload, load, inputs) / GB * prices["transfer_gb"],
    }


def fixed_cost(workload: Workload, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part for the hours that servers of this size run."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    size = inputs.size
    months = workload.hours / HOURS_OF_A_MONTH
    bot_control = prices["bot_control_month"] if workload.bot_control else 0.0
    return {
        "ElastiCache": size["redis_nodes"] * prices[f"redis_{workload.size}"] * workload.hours,
        "MSK": size["kafka_brokers"]
        * (
            prices[f"kafka_{workload.size}"] * workload.hours
            + size["kafka_gib"] * prices["kafka_gb_month"] * months
        ),
        # As many as there are partitions, since they scale up only after the rush has started.
        "Kafka pollers": size["kafka_partitions"] * prices["poller"] * workload.hours,
        "RDS": prices[f"database_{workload.size}"] * workload.hours
        + size["database_gib"] * prices["database_gb_month"] * months,
        "RDS Proxy": size["database_vcpus"] * prices["database_proxy"] * workload.hours,
        "VPC endpoints": size["endpoints"] * size["zones"] * prices["endpoint"] * workload.hours,
        "WAF, standing": (prices["waf_month"] + bot_control) * months,
    }


def _gb_seconds(load: Load, inputs: Catalogue) -> float:
    api_ms = sum(
        outcome.count * math.ceil(outcome.duration_ms)  # billed by whole milliseconds
        for outcome in load.outcomes.values()
    )
    consume_ms = load.batches * math.ceil(inputs.assumed["batch_ms"])
    size = inputs.size
    megabyte_ms = api_ms * size["api_memory_mb"] + consume_ms * size["consume_memory_mb"]
    return megabyte_ms / 1000 / MB_OF_A_GB_SECOND


def _logged_bytes(load: Load, inputs: Catalogue) -> float:
    # Of a flood of refusals, a process writes two lines a second
    # (handlers/edge/http/request_log.py).
    lines = load.requests - load.outcomes["sold out"].count
    return lines * inputs.measured["log_bytes"] + load.requests * inputs.assumed["access_log_bytes"]


def _sent_bytes(workload: Workload, load: Load, inputs: Catalogue) -> float:
    responses = load.requests * inputs.assumed["answer_bytes"]
    return responses + workload.applicants * inputs.assumed["handshake_bytes"]
