"""API Gateway: what it answers without a function of ours, its one stage, its TLS, its role."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from handlers.edge.http.response import STATUS, problem
from tests.support.templates import of_type

# What a new API gets without a policy, TLS_1_0, is not among them.
TLS_OF_TODAY = {"SecurityPolicy_TLS13_1_2_2021_06"}
MAY_COME_AGAIN = {"THROTTLED", "DEFAULT_5XX"}


@pytest.fixture
def responses(templates: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    found: dict[str, dict[str, Any]] = api["DefinitionBody"][
        "x-amazon-apigateway-gateway-responses"
    ]
    return found


def body_of(response: dict[str, Any]) -> dict[str, Any]:
    """Return the body as a client reads it, with its own values for what API Gateway puts in."""
    [(kind, text)] = response["responseTemplates"].items()
    assert kind == "application/json"
    text = text.replace("$context.error.messageString", '"Bad request body"')
    body: dict[str, Any] = json.loads(text.replace("$context.requestId", "request-1"))
    return body


def headers_of(response: dict[str, Any]) -> dict[str, Any]:
    prefix = "gatewayresponse.header."
    return {name.removeprefix(prefix): v for name, v in response["responseParameters"].items()}


def test_every_answer_of_api_gateway_is_a_problem_like_those_of_the_functions(
    responses: dict[str, dict[str, Any]],
) -> None:
    assert {"THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    for name, response in responses.items():
        body, headers = body_of(response), headers_of(response)
        assert headers["Content-Type"] == "'application/problem+json'", name
        assert headers["Cache-Control"] == "'no-store'", name
        ours = json.loads(problem(body["code"], body["detail"], "request-1")["body"])
        if name == "DEFAULT_4XX":  # of several statuses; it leaves each as it is
            assert "statusCode" not in response
            assert body == {k: v for k, v in ours.items() if k not in {"title", "status"}}
        else:
            assert body == ours, name
            assert int(response["statusCode"]) == STATUS[body["code"]], name


def test_whom_api_gateway_throttles_or_cannot_serve_learns_when_to_come_again(
    responses: dict[str, dict[str, Any]],
) -> None:
    waits = {n: headers_of(r).get("Retry-After") for n, r in responses.items()}
    assert {name for name, wait in waits.items() if wait} == MAY_COME_AGAIN
    assert all(re.fullmatch(r"'\d+'", wait) for wait in waits.values() if wait)


def test_pages_of_other_origins_read_the_answers_where_origins_are_allowed_only(
    templates: dict[str, dict[str, Any]], responses: dict[str, dict[str, Any]]
) -> None:
    for name, response in responses.items():
        headers = headers_of(response)
        for header, value in headers.items():
            if header.startswith("Access-Control-"):
                condition, text, otherwise = value["Fn::If"]
                assert (condition, otherwise) == ("HasAllowedOrigins", {"Ref": "AWS::NoValue"})
                if header.endswith("Expose-Headers"):
                    assert ("Date, Retry-After" in text) == (name in MAY_COME_AGAIN), name
        assert headers["Access-Control-Allow-Origin"]["Fn::If"][1] == "'*'", name
    # It is in force with the deployment that sets the origins, not with a later one.
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    assert api["AlwaysDeploy"] is True


def test_the_api_has_no_second_stage_and_takes_no_old_tls(
    templates: dict[str, dict[str, Any]],
) -> None:
    # Without a version SAM adds the stage "Stage": no firewall, no log, no throttle. tests/infra/
    # counts the stages that SAM makes of this.
    application = templates["application"]
    api = of_type(application, "AWS::Serverless::Api")["RestAPI"]
    version = application["Globals"]["Api"]["OpenApiVersion"]
    assert version == api["DefinitionBody"]["swagger"]  # another one would rewrite the definition
    assert api["SecurityPolicy"] in TLS_OF_TODAY
    assert api["EndpointAccessMode"]  # AWS refuses such a policy without it


def test_api_gateways_role_has_what_aws_checks_when_it_is_set(
    templates: dict[str, dict[str, Any]],
) -> None:
    role = of_type(templates["account"], "AWS::IAM::Role")["ApiGatewayRole"]
    [policy] = role["ManagedPolicyArns"]
    assert policy["Fn::Sub"].endswith(":policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
