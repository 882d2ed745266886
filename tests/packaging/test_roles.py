"""The permissions of the functions: one role for each, and no wildcards."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.paths import ROOT
from tests.support.templates import FUNCTIONS, of_type

if TYPE_CHECKING:
    from collections.abc import Iterator


# Network interfaces have no name before Lambda creates them; EC2's Describe calls take no name.
WITHOUT_A_NAME = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:DescribeSecurityGroups",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
SECRETS = {
    "ApiHandlerRole": {"Jwt", "CouponCode", "Challenge", "Webhook", "Redis", "Database"},
    "ConsumeHandlerRole": {"CouponCode", "Redis", "Database"},
    "RelayHandlerRole": {"Redis", "Database"},
    "RedriveHandlerRole": {"CouponCode", "Redis", "Database"},
    "WebhookHandlerRole": {"Webhook", "Database"},
    "RebuildHandlerRole": {"CouponCode", "Redis", "Database"},
    "RestoreHandlerRole": {"CouponCode", "Redis", "Database"},
    "MigrateHandlerRole": {"Redis", "Database", "MigrationDatabase"},
}


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def identity_statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement that gives a role a permission."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement
    for name, policy in of_type(template, "AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, statement


def too_wide(template: dict[str, Any]) -> list[str]:
    """Return the wildcards of a statement that allows."""
    found = []
    for name, statement in identity_statements(template):
        if statement["Effect"] != "Allow":
            continue
        actions = set(many(statement["Action"]))
        found += [f"{name}: {action}" for action in actions if "*" in action]
        if "*" in many(statement["Resource"]):
            found += [f"{name}: {action} on *" for action in actions - WITHOUT_A_NAME]
    return found


def test_no_role_has_unnamed_actions_or_resources(
    templates: dict[str, dict[str, Any]],
) -> None:
    assert sum(1 for t in templates.values() for _ in identity_statements(t)) > 50
    assert [wide for template in templates.values() for wide in too_wide(template)] == []


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::bucket"},
        {"Effect": "Allow", "Action": ["ec2:DescribeVpcs", "ec2:RunInstances"], "Resource": ["*"]},
    ],
)
def test_the_check_of_the_policies_detects_one_that_is_too_wide(
    templates: dict[str, dict[str, Any]], statement: dict[str, Any]
) -> None:
    spoiled = copy.deepcopy(templates["application"])
    role = spoiled["Resources"]["RelayHandlerRole"]["Properties"]
    role["Policies"][0]["PolicyDocument"]["Statement"].append(statement)
    assert len(too_wide(spoiled)) == 1


def test_every_function_has_its_own_role_that_only_lambda_may_assume(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    functions = of_type(application, "AWS::Serverless::Function")
    assert set(functions) == FUNCTIONS
    roles = {json.dumps(function["Role"]) for function in functions.values()}
    assert len(roles) == len(functions)
    for role in of_type(application, "AWS::IAM::Role").values():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_a_role_reads_the_secrets_that_its_function_needs_and_no_other(
    templates: dict[str, dict[str, Any]],
) -> None:
    found = {
        name: set(re.findall(r"-(\w+)SecretArn", json.dumps(statement["Resource"])))
        for name, statement in identity_statements(templates["application"])
        if statement.get("Sid") == "Secrets"
    }
    assert found == SECRETS


def test_every_stage_has_a_policy_for_every_function_of_the_application() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    assert set(config["stages"]) == {"local", "dev", "prod"}
    assert config["autogen_policy"] is False
    registered = set(re.findall(r'name="(\w+_handler)"', (ROOT / "app.py").read_text()))
    assert set(config["lambda_functions"]) == registered | {"api_handler"}
    for function in config["lambda_functions"].values():
        assert json.loads((ROOT / ".chalice" / function["iam_policy_file"]).read_text())
