"""The network: which zones its subnets are in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.templates import of_type

ZONES = ("ZoneA", "ZoneB", "ZoneC")


def test_every_subnet_is_in_the_zone_that_is_named_or_in_one_that_aws_lists(
    templates: dict[str, dict[str, Any]],
) -> None:
    network = templates["network"]
    expected = {
        parameter: ["NamesZones", {"Ref": parameter}, {"Fn::Select": [index, {"Fn::GetAZs": ""}]}]
        for index, parameter in enumerate(ZONES)
    }
    assert {network["Parameters"][parameter]["Default"] for parameter in ZONES} == {""}
    subnets = of_type(network, "AWS::EC2::Subnet")
    for letter in "ABC":
        assert (
            subnets[f"Private{letter}"]["AvailabilityZone"]["Fn::If"] == expected[f"Zone{letter}"]
        )
    for name, subnet in subnets.items():
        [(kind, zone)] = subnet["AvailabilityZone"].items()
        if kind == "Fn::GetAtt":  # the zone of another subnet
            assert zone in [[f"Private{letter}", "AvailabilityZone"] for letter in "ABC"], name
        else:
            assert zone in expected.values(), name


@pytest.mark.parametrize(
    ("zones", "named", "allowed"),
    [
        ("3", ("", "", ""), True),
        ("3", ("a", "b", "c"), True),
        ("2", ("a", "b", ""), True),
        ("3", ("a", "b", ""), False),
        ("3", ("", "b", ""), False),
        ("2", ("a", "", ""), False),
        ("2", ("a", "a", ""), False),
        ("3", ("a", "b", "a"), False),
    ],
)
def test_zones_are_all_named_and_different_or_all_left_to_aws(
    templates: dict[str, dict[str, Any]], zones: str, named: tuple[str, ...], *, allowed: bool
) -> None:
    values = {"Zones": zones, **dict(zip(ZONES, named, strict=True))}
    rule = templates["network"]["Rules"]["AllZonesAreNamedOrNone"]
    assert all(holds(each["Assert"], values) for each in rule["Assertions"]) is allowed


def test_a_zone_has_the_form_of_its_name(templates: dict[str, dict[str, Any]]) -> None:
    pattern = re.compile(templates["network"]["Parameters"]["ZoneA"]["AllowedPattern"])
    assert all(pattern.fullmatch(name) for name in ("", "ap-northeast-2a", "us-gov-west-1b"))
    assert not any(pattern.fullmatch(name) for name in ("apne2-az1", "ap-northeast-2", "a,b"))


def holds(condition: dict[str, Any], values: dict[str, str]) -> bool:
    """Return what CloudFormation makes of a rule's condition."""
    [(kind, arguments)] = condition.items()
    if kind == "Fn::Equals":
        one, other = (values[a["Ref"]] if isinstance(a, dict) else a for a in arguments)
        return bool(one == other)
    results = [holds(argument, values) for argument in arguments]
    return {"Fn::And": all, "Fn::Or": any, "Fn::Not": lambda r: not r[0]}[kind](results)
