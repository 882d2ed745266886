"""The alias that API Gateway invokes, and the environments that are made ahead for it."""

from __future__ import annotations

import re
from typing import Any

from infra.package.chalice_part import for_lambda
from infra.package.target import LAMBDA_VERSION
from tests.support.templates import of_type


def test_api_gateway_invokes_the_alias_and_never_the_newest_code(
    sam: str, templates: dict[str, dict[str, Any]]
) -> None:
    application = templates["application"]
    api = of_type(application, "AWS::Serverless::Api")["RestAPI"]
    integrations = [
        method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for methods in api["DefinitionBody"]["paths"].values()
        for method in methods.values()
    ]
    assert len(integrations) > 30
    assert {uri.rpartition("/functions/")[2] for uri in integrations} == {
        "${APIHandler.Alias}/invocations"
    }
    assert "${APIHandler.Arn}" not in sam
    permission = of_type(application, "AWS::Lambda::Permission")["APIHandlerInvokePermission"]
    assert permission["FunctionName"] == {"Ref": "APIHandler.Alias"}


def test_a_version_is_published_for_each_release(
    templates: dict[str, dict[str, Any]],
) -> None:
    function = of_type(templates["application"], "AWS::Serverless::Function")["APIHandler"]
    assert function["AutoPublishAlias"] == "live"
    assert function["AutoPublishCodeSha256"] == {"Ref": "Release"}


def test_without_an_alias_a_template_invokes_the_function_itself() -> None:
    uri = "uri: functions:path/functions/${APIHandler.Arn}/invocations\n"
    assert for_lambda(uri, "python3.13") == uri


def test_environments_are_made_ahead_for_a_time_and_never_for_ever(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    warmth = application["Resources"]["ApiWarmth"]
    assert warmth["Condition"] == "IsWarmed"
    warm, cool = warmth["Properties"]["ScheduledActions"]
    assert warm["Schedule"] == {"Fn::Sub": "at(${WarmFrom})"}
    assert set(map(str, warm["ScalableTargetAction"].values())) == {"{'Ref': 'WarmEnvironments'}"}
    assert cool["Schedule"] == {"Fn::Sub": "at(${WarmUntil})"}
    assert cool["ScalableTargetAction"] == {"MinCapacity": 0, "MaxCapacity": 0}
    # A beginning without an end is refused.
    rule = application["Rules"]["WarmthEnds"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WarmFrom"}, ""]}]}
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "WarmUntil"}, ""]}]
    }
    pattern = application["Parameters"]["WarmFrom"]["AllowedPattern"]
    assert re.fullmatch(pattern, "2026-12-01T02:45:00")
    assert not re.fullmatch(pattern, "2026-12-01 02:45")


def test_no_more_environments_can_be_made_ahead_than_a_size_reserves(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    most = max(size["ApiConcurrency"] for size in application["Mappings"]["Sizes"].values())
    assert application["Parameters"]["WarmEnvironments"]["MaxValue"] == most


def test_a_snapshot_is_made_where_it_is_wanted_and_never_beside_provisioned_concurrency(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    function = of_type(application, "AWS::Serverless::Function")["APIHandler"]
    wanted = {"Fn::If": ["UsesSnapStart", "PublishedVersions", "None"]}
    assert function["SnapStart"] == {"ApplyOn": wanted}
    assert application["Parameters"]["SnapStart"]["Default"] == "no"
    rule = application["Rules"]["SnapshotOrWarmth"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "yes"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "WarmFrom"}, ""]}
    assert LAMBDA_VERSION >= (3, 12)  # older ones have no SnapStart
