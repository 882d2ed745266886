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


# Network interfaces have no name before Lambda creates them; EC2's Describe calls and the login to
# ECR take no name.
WITHOUT_A_NAME = {
    "ecr:GetAuthorizationToken",
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
SECRETS_OF_TASKS = {
    "GatewayRole": SECRETS["ApiHandlerRole"],
    "ConsumerRole": SECRETS["ConsumeHandlerRole"],
    # Relay, redrive, rebuild and webhooks are one program.
    "SchedulerRole": {"CouponCode", "Webhook", "Redis", "Database"},
    "MigrateRole": SECRETS["MigrateHandlerRole"],
}


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def identity_statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement that gives a role a permission."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                # Where a condition chooses, it is between a statement and none.
                yield name, statement["Fn::If"][1] if "Fn::If" in statement else statement
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


def test_a_task_reads_the_secrets_that_its_program_needs_and_no_other(
    templates: dict[str, dict[str, Any]],
) -> None:
    statements = list(identity_statements(templates["containers"]))
    found = {
        name: set(re.findall(r"-(\w+)SecretArn", json.dumps(statement["Resource"])))
        for name, statement in statements
        if statement["Sid"] == "Secrets"
    }
    assert found == SECRETS_OF_TASKS
    # The role that starts tasks reads one secret at most: the user of a Kafka that is not MSK.
    started = [
        s["Resource"] for n, s in statements if n == "ExecutionRole" and s["Sid"] == "KafkaUser"
    ]
    assert started == [{"Ref": "SelfManagedKafkaSecretArn"}]


@pytest.mark.parametrize(
    ("task", "functions"),
    [
        ("GatewayRole", ["api"]),
        ("ConsumerRole", ["consume"]),
        ("SchedulerRole", ["relay", "redrive", "webhook", "rebuild"]),
        ("MigrateRole", ["migrate"]),
    ],
)
def test_a_task_may_do_in_kafka_what_the_functions_in_its_place_may(
    templates: dict[str, dict[str, Any]], task: str, functions: list[str]
) -> None:
    def kafka(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for statement in statements:
            if statement["Sid"].startswith("Kafka"):
                resource = json.dumps(statement["Resource"])
                found.setdefault(resource, set()).update(many(statement["Action"]))
        return found

    given = kafka([s for n, s in identity_statements(templates["containers"]) if n == task])
    policies = [
        json.loads((ROOT / ".chalice" / f"policy-{name}.json").read_text(encoding="utf-8"))
        for name in functions
    ]
    wanted = kafka([statement for policy in policies for statement in policy["Statement"]])
    # For the pollers of Lambda, which read the cluster's settings.
    for actions in wanted.values():
        actions.discard("kafka-cluster:DescribeClusterDynamicConfiguration")
    assert given == wanted


def test_every_stage_has_a_policy_for_every_function_of_the_application() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    assert set(config["stages"]) == {"local", "dev", "prod"}
    assert config["autogen_policy"] is False
    registered = set(re.findall(r'name="(\w+_handler)"', (ROOT / "app.py").read_text()))
    assert set(config["lambda_functions"]) == registered | {"api_handler"}
    for function in config["lambda_functions"].values():
        assert json.loads((ROOT / ".chalice" / function["iam_policy_file"]).read_text())
