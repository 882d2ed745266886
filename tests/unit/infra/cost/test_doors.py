"""infra/cost/doors.py: API Gateway and Lambda, CloudFront before them, ALB and Fargate."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.cost import doors
from infra.cost.__main__ import main
from infra.cost.catalogue import catalogue
from infra.cost.estimate import Estimate, estimate
from infra.cost.workload import Door, Workload

DAY = Workload(applicants=1_000_000, minutes=5, quantity=10_000, throttle=50_000)
ASKED = ["--applicants=1_000_000", "--minutes=5", "--quantity=10_000", "--throttle=50_000"]


def through(door: Door, day: Workload = DAY) -> Estimate:
    return estimate(replace(day, door=door))


def needed(result: Estimate, name: str) -> float:
    [use] = [use for use in result.uses if use.name == name]
    return use.needed


def test_each_door_is_paid_for_and_none_of_the_others() -> None:
    only = {
        Door.LAMBDA: {"API Gateway", "Lambda time", "Lambda cold starts", "Kafka pollers"},
        Door.CLOUDFRONT: {"CloudFront requests", "CloudFront Functions"},
        Door.CONTAINERS: {"ALB", "ALB units", "Fargate"},
    }
    parts = {door: set(through(door).use_usd | through(door).fixed_usd) for door in Door}
    assert only[Door.LAMBDA] <= parts[Door.LAMBDA]
    assert parts[Door.CLOUDFRONT] == parts[Door.LAMBDA] | only[Door.CLOUDFRONT]
    assert only[Door.CONTAINERS] <= parts[Door.CONTAINERS]
    assert not parts[Door.CONTAINERS] & (only[Door.LAMBDA] | only[Door.CLOUDFRONT])
    for part in ("ElastiCache", "MSK", "RDS", "WAF", "VPC endpoints"):
        assert all(part in known for known in parts.values()), part


def test_a_door_changes_nothing_about_what_the_people_do() -> None:
    results = [through(door).load for door in Door]
    assert len({result.requests for result in results}) == 1
    assert len({result.redis_calls for result in results}) == 1
    assert len({result.sold_out_after_s for result in results}) == 1


def test_a_cache_answers_waiting_pages_and_the_others_pay_for_each_look() -> None:
    waiting = replace(DAY, looks=30)
    direct, cached = through(Door.LAMBDA, waiting), through(Door.CLOUDFRONT, waiting)
    assert direct.load.looks_cached == 0
    edges = catalogue(DAY.region, DAY.size).assumed["edge_caches"]
    # A second per look at most, in each cache.
    assert cached.load.outcomes["look"].count == 5 * 60 * edges
    assert cached.load.looks_cached == 30_000_000 - 5 * 60 * edges
    assert cached.use_usd["API Gateway"] < direct.use_usd["API Gateway"] / 10
    # One firewall is before the cache, another at the stage; and the bytes reach the people.
    inputs = catalogue(DAY.region, DAY.size)
    per_million = inputs.prices["waf_request"].value
    again = cached.load.requests / doors.MILLION * per_million
    assert cached.use_usd["WAF"] == pytest.approx(direct.use_usd["WAF"] + again)
    assert cached.use_usd["CloudFront Functions"] == pytest.approx(
        direct.load.requests / doors.MILLION * inputs.prices["cloudfront_function"].value
    )


def test_with_a_cdn_two_firewalls_are_paid_for_each_with_its_rules() -> None:
    inputs = catalogue(DAY.region, DAY.size)
    acl, rule = (inputs.prices[f"waf_{part}_month"].value for part in ("acl", "rule"))
    a_month = replace(DAY, hours=730)
    built = ((Door.LAMBDA, 1, 2), (Door.CONTAINERS, 1, 2), (Door.CLOUDFRONT, 2, 5))
    for door, acls, rules in built:
        paid = through(door, a_month).fixed_usd["WAF, standing"]
        assert paid == pytest.approx(acls * acl + rules * rule), door


def test_without_waiting_pages_a_cdn_only_adds_to_the_cost() -> None:
    assert through(Door.CLOUDFRONT).total_usd > through(Door.LAMBDA).total_usd


def test_every_new_environment_pays_for_its_start_but_those_that_are_kept_ready() -> None:
    cold = through(Door.LAMBDA)
    assert cold.cold_environments == cold.environments > 1_000
    some = estimate(replace(DAY, provisioned=1_000))
    assert some.cold_environments == cold.environments - 1_000
    assert needed(some, "Lambda's scaling from cold") == some.cold_environments
    assert some.use_usd["Lambda cold starts"] < cold.use_usd["Lambda cold starts"]
    assert some.fixed_usd["provisioned environments"] > 0
    assert "provisioned environments" not in cold.fixed_usd
    all_ready = estimate(replace(DAY, provisioned=1_000_000))
    assert (all_ready.cold_environments, all_ready.use_usd["Lambda cold starts"]) == (0, 0)


def test_a_cold_start_takes_longer_with_a_part_of_a_core() -> None:
    assert estimate(replace(DAY, size="small")).cold_start_ms > through(Door.LAMBDA).cold_start_ms


def test_tasks_are_as_many_as_the_busiest_second_needs_and_never_fewer_than_the_least() -> None:
    size = catalogue(DAY.region, DAY.size).size
    quiet = through(Door.CONTAINERS, replace(DAY, applicants=100, quantity=10))
    assert quiet.tasks == size["gateway_tasks_min"]
    busy = through(Door.CONTAINERS)
    assert busy.tasks > quiet.tasks
    cores = busy.load.gateway_cores
    assert cores < busy.tasks * size["gateway_vcpus"], "some of each core stays free"
    assert busy.fixed_usd["Fargate"] > quiet.fixed_usd["Fargate"]


def test_processes_in_containers_open_few_connections_to_kafka() -> None:
    name = "Kafka's connections"
    assert needed(through(Door.CONTAINERS), name) < needed(through(Door.LAMBDA), name) / 10


def test_a_load_balancer_is_reserved_for_the_connections_of_the_first_second() -> None:
    result = through(Door.CONTAINERS)
    units = needed(result, "ALB units at the opening")
    assert units == doors.reserved_units(result.load)
    assert units * doors.CONNECTIONS_PER_S_OF_A_UNIT >= result.load.connections_per_s
    inputs = catalogue(DAY.region, DAY.size)
    reserved = units * inputs.assumed["opening_hours"] * inputs.prices["alb_unit"].value
    assert result.use_usd["ALB units"] == pytest.approx(reserved)


def test_the_comparison_has_a_column_for_each_door_as_text_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ASKED, "--compare"]) == 0
    text = capsys.readouterr().out
    assert main([*ASKED, "--compare", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == set(Door)
    [total] = [line for line in text.splitlines() if line.startswith("total")]
    assert total.split()[1:] == [f"{shown[door]['usd']['total']:,.2f}" for door in Door]
    for door in Door:
        assert doors.NAMES[door] in text


def test_one_door_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--door=containers"]) == 0
    text = capsys.readouterr().out
    assert "tasks of the gateway at the peak" in text
    assert "/s get 503 at the peak" in text
    assert "Lambda" not in text
