"""The calculator uses the sizes that the templates build."""

from __future__ import annotations

import json

import pytest

from infra.cost import doors
from infra.cost.catalogue import catalogue, regions, sizes
from tests.support.rendered import Stack
from tests.support.templates import of_type, template

# The names of one size in the template's mapping, and those of the same in prices.toml.
NAMES = {
    "application": {
        "ApiMemory": "api_memory_mb",
        "ApiConcurrency": "api_concurrency",
        "Throttle": "api_per_s",
        "ConsumeMemory": "consume_memory_mb",
    },
}
# Parameters of the data stack: disks are the same for each size, since they can only grow.
DISKS = {"KafkaGiB": "kafka_gib", "DatabaseGiB": "database_gib"}
PRICED = {"Redis": "redis", "Kafka": "kafka", "Database": "database"}


@pytest.mark.parametrize(
    ("stack", "parameter"),
    [("application", "Size"), *(("data", f"{server}Size") for server in PRICED)],
)
def test_the_calculator_knows_the_sizes_of_the_templates(stack: str, parameter: str) -> None:
    found = template(stack)
    assert found["Parameters"][parameter]["AllowedValues"] == list(found["Mappings"]["Sizes"])
    assert sizes() == list(found["Mappings"]["Sizes"])


@pytest.mark.parametrize("size", sizes())
def test_a_disk_in_the_calculator_is_the_one_that_is_built(size: str) -> None:
    parameters, counted = template("data")["Parameters"], catalogue(regions()[0], size).size
    for here, there in DISKS.items():
        assert parameters[here]["Default"] == counted[there], here


def test_each_server_has_a_size_of_its_own_and_no_size_changes_a_disk() -> None:
    data = template("data")
    assert "Size" not in data["Parameters"]
    for size in data["Mappings"]["Sizes"].values():
        assert set(size) == set(PRICED)
    text = json.dumps(data["Resources"])
    for server in PRICED:
        wanted = {"Fn::FindInMap": ["Sizes", {"Ref": f"{server}Size"}, server]}
        assert text.count(json.dumps(wanted)) == 1, server
    for disk in (*DISKS, "DatabaseGiBMax"):
        assert text.count(json.dumps({"Ref": disk})) == 1, disk


@pytest.mark.parametrize("size", sizes())
@pytest.mark.parametrize("stack", NAMES)
def test_a_size_in_the_calculator_is_the_one_that_is_built(stack: str, size: str) -> None:
    built = template(stack)["Mappings"]["Sizes"][size]
    counted = catalogue(regions()[0], size).size
    for here, there in NAMES[stack].items():
        assert built[here] == counted[there], here


@pytest.mark.parametrize("size", sizes())
def test_the_price_of_a_server_is_for_the_type_that_is_built(size: str) -> None:
    built = template("data")["Mappings"]["Sizes"][size]
    prices = catalogue(regions()[0], size).prices
    for here, there in PRICED.items():
        assert f"{built[here]}:" in prices[f"{there}_{size}"].what.replace(",", ":"), here


@pytest.mark.parametrize("size", sizes())
def test_as_many_servers_are_counted_as_are_built(size: str) -> None:
    data, counted = template("data"), catalogue(regions()[0], size).size
    [redis] = [r for r in data["Resources"].values() if r["Type"].endswith("ReplicationGroup")]
    assert redis["Properties"]["NumCacheClusters"] == counted["redis_nodes"]
    assert data["Parameters"]["KafkaBrokers"]["Default"] == counted["kafka_brokers"]


@pytest.mark.parametrize("size", sizes())
def test_the_tasks_that_are_counted_are_those_of_the_containers(size: str) -> None:
    containers, counted = template("containers"), catalogue(regions()[0], size).size
    built = containers["Mappings"]["Sizes"][size]
    assert int(built["GatewayCpu"]) == counted["gateway_vcpus"] * 1024
    assert int(built["GatewayMemory"]) == counted["gateway_gb"] * 1024
    for parameter, key in (
        ("GatewayTasksMin", "gateway_tasks_min"),
        ("GatewayTasksMax", "gateway_tasks_max"),
        ("ConsumerTasksMin", "consumer_tasks"),
    ):
        assert containers["Parameters"][parameter]["Default"] == counted[key]
    tasks = of_type(containers, "AWS::ECS::TaskDefinition")
    for name, vcpus, gb in (
        ("Consumer", doors.CONSUMER_VCPUS, doors.CONSUMER_GB),
        ("Scheduler", doors.SCHEDULER_VCPUS, doors.SCHEDULER_GB),
    ):
        assert int(tasks[f"{name}Task"]["Cpu"]) == vcpus * 1024
        assert int(tasks[f"{name}Task"]["Memory"]) == gb * 1024


@pytest.mark.parametrize("size", sizes())
def test_the_durable_valkey_that_is_counted_is_the_one_that_is_built(size: str) -> None:
    durable, counted = template("durable-valkey"), catalogue(regions()[0], size)
    [redis] = of_type(durable, "AWS::ElastiCache::ReplicationGroup").values()
    nodes = redis["NumNodeGroups"] * (redis["ReplicasPerNodeGroup"] + 1)
    assert nodes == counted.size["redis_nodes"]
    kind = durable["Parameters"]["NodeType"]["Default"]
    assert f"{kind}:" in counted.prices["redis_durable"].what


@pytest.mark.parametrize("size", sizes())
@pytest.mark.parametrize(
    ("stack", "parameters", "key"),
    [
        ("application", {}, "waf_rules"),
        ("containers", {}, "waf_rules"),
        ("application", {"OriginSecret": "x"}, "waf_rules_behind_cdn"),
        ("cdn", {}, "waf_rules_of_cdn"),
    ],
)
def test_as_many_rules_of_the_firewall_are_counted_as_a_stack_builds(
    size: str, stack: str, parameters: dict[str, str], key: str
) -> None:
    found = template(stack)
    defaults = {name: str(p.get("Default", "")) for name, p in found["Parameters"].items()}
    made = Stack(found, defaults | parameters, {}).properties("Firewall")
    assert len(made["Rules"]) == catalogue(regions()[0], size).size[key]


@pytest.mark.parametrize("size", sizes())
@pytest.mark.parametrize(
    ("parameters", "key"),
    [({}, "endpoints"), ({"Containers": "yes"}, "endpoints_containers")],
)
def test_as_many_endpoints_are_counted_as_the_network_builds(
    size: str, parameters: dict[str, str], key: str
) -> None:
    network = template("network")
    defaults = {name: str(p.get("Default", "")) for name, p in network["Parameters"].items()}
    stack = Stack(network, defaults | parameters, {})
    built = [
        resource
        for resource in network["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint"
        and resource["Properties"]["VpcEndpointType"] == "Interface"
        and ("Condition" not in resource or stack.holds(resource["Condition"]))
    ]
    assert len(built) == catalogue(regions()[0], size).size[key]
