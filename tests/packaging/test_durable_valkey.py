"""infra/durable-valkey.yaml: what AWS asks of a durable Valkey, and the alarms for its nodes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.templates import of_type, template

RESOURCES = template("durable-valkey")["Resources"]
DURABLE = RESOURCES["Redis"]["Properties"]


def test_it_is_what_aws_makes_durable() -> None:
    major, _ = DURABLE["EngineVersion"].split(".")
    assert int(major) >= 9
    parameters = RESOURCES["Parameters"]["Properties"]
    assert parameters["CacheParameterGroupFamily"] == f"{DURABLE['Engine']}{major}"
    assert parameters["Properties"]["cluster-enabled"] == "yes"
    assert DURABLE["MultiAZEnabled"] is DURABLE["TransitEncryptionEnabled"] is True
    assert DURABLE["ReplicasPerNodeGroup"] >= 1
    allowed = template("durable-valkey")["Parameters"]
    assert allowed["Durability"]["AllowedValues"] == ["sync", "async"]
    assert allowed["Durability"]["Default"] == "sync"
    node = allowed["NodeType"]
    assert re.fullmatch(node["AllowedPattern"], node["Default"])
    assert not re.fullmatch(node["AllowedPattern"], "cache.t4g.small")


def test_it_never_evicts_an_applicant_and_takes_no_call_without_tls_or_password() -> None:
    assert RESOURCES["Parameters"]["Properties"]["Properties"]["maxmemory-policy"] == "noeviction"
    assert DURABLE["TransitEncryptionMode"] == "required"
    assert "${Secret}" in DURABLE["AuthToken"]["Fn::Sub"]
    assert RESOURCES["Redis"]["DeletionPolicy"] == "Snapshot"


def watched(alarm: dict[str, Any], *, durable: bool) -> list[str]:
    """Return the nodes that an alarm watches."""
    found = []
    for metric in alarm["Metrics"]:
        for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", []):
            condition, yes, no = dimension["Value"]["Fn::If"]
            assert condition == "WatchesDurable"
            found.append((yes if durable else no)["Fn::Sub"])
    return found


@pytest.mark.parametrize("durable", [True, False])
def test_every_alarm_of_redis_watches_every_node_that_is_built(
    templates: dict[str, dict[str, Any]], *, durable: bool
) -> None:
    alarms = of_type(templates["operations"], "AWS::CloudWatch::Alarm")
    of_redis = [a for a in alarms.values() if "AWS/ElastiCache" in json.dumps(a)]
    assert len(of_redis) >= 5
    [plain] = of_type(templates["data"], "AWS::ElastiCache::ReplicationGroup").values()
    name = (DURABLE if durable else plain)["ReplicationGroupId"]["Fn::Sub"]
    # AWS names the nodes of a cluster by shard and number, others by number.
    shard = "-0001" if durable else ""
    count = DURABLE["ReplicasPerNodeGroup"] + 1 if durable else plain["NumCacheClusters"]
    nodes = [f"{name}{shard}-{n:03}" for n in range(1, count + 1)]
    for alarm in of_redis:
        assert watched(alarm, durable=durable) == nodes
