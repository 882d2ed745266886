"""What a workload costs: parts that grow with the requests, and parts that cost by the hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cost import doors
from infra.cost.doors import GB, MILLION
from infra.cost.workload import Door

if TYPE_CHECKING:
    from infra.cost.catalogue import Catalogue
    from infra.cost.load import Load
    from infra.cost.workload import Workload

HOURS_OF_A_MONTH = 730  # as in AWS's own calculator


def usage_cost(workload: Workload, load: Load, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part for usage; 0 without requests, a load balancer's reserved units aside."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    # Once, by the firewall that sees the users' addresses: infra/cdn.yaml has the parameter too.
    millions = (load.requests + load.looks_cached) / MILLION
    bot_control = millions * prices["bot_control_request"] if workload.bot_control else 0.0
    door = doors.usage_cost(workload, load, inputs)
    transfer = door.pop("data transfer")
    return door | {
        "WAF": _looked_at(workload, load) * prices["waf_request"] + bot_control,
        "CloudWatch Logs": _logged_bytes(workload, load, inputs) / GB * prices["logs_gb"],
        "data transfer": transfer,
    }


def fixed_cost(workload: Workload, load: Load, inputs: Catalogue) -> dict[str, float]:
    """Return USD by part for the hours that servers of this size run."""
    prices = {key: entry.value for key, entry in inputs.prices.items()}
    size = inputs.size
    months = workload.hours / HOURS_OF_A_MONTH
    bot_control = prices["bot_control_month"] if workload.bot_control else 0.0
    redis = prices["redis_durable" if workload.durable_redis else f"redis_{workload.size}"]
    return {
        "ElastiCache": size["redis_nodes"] * redis * workload.hours,
        "MSK": size["kafka_brokers"]
        * (
            prices[f"kafka_{workload.size}"] * workload.hours
            + size["kafka_gib"] * prices["kafka_gb_month"] * months
        ),
        "RDS": prices[f"database_{workload.size}"] * workload.hours
        + size["database_gib"] * prices["database_gb_month"] * months,
        "RDS Proxy": size["database_vcpus"] * prices["database_proxy"] * workload.hours,
        **doors.fixed_cost(workload, load, inputs),
        "WAF, standing": (_firewalls(workload, inputs) + bot_control) * months,
    }


def _looked_at(workload: Workload, load: Load) -> float:
    """Return the millions of requests that firewalls look at, each firewall for itself.

    With a CDN there are two: its own, which sees what its cache answers as well, and the stage's.
    """
    origins = 2 if workload.door is Door.CLOUDFRONT else 1
    return (origins * load.requests + load.looks_cached) / MILLION


def _firewalls(workload: Workload, inputs: Catalogue) -> float:
    """Return USD a month for the web ACLs before the door and their rules."""
    acl, rule = (inputs.prices[f"waf_{part}_month"].value for part in ("acl", "rule"))
    size = inputs.size
    if workload.door is Door.CLOUDFRONT:
        return 2 * acl + (size["waf_rules_of_cdn"] + size["waf_rules_behind_cdn"]) * rule
    return acl + size["waf_rules"] * rule


def _logged_bytes(workload: Workload, load: Load, inputs: Catalogue) -> float:
    # Of a flood of refusals, a process writes two lines a second
    # (handlers/edge/http/request_log.py). A load balancer writes its access log into a bucket.
    lines = load.requests - load.outcomes["sold out"].count
    access = load.requests * inputs.assumed["access_log_bytes"]
    return lines * inputs.measured["log_bytes"] + access * workload.door.has_functions
