"""What API Gateway itself does for pages of other origins."""

from __future__ import annotations

from typing import Any

from handlers.routes import ROUTES
from tests.support.templates import of_type


def test_api_gateways_own_errors_can_be_read_by_pages_where_origins_are_allowed_only(
    templates: dict[str, dict[str, Any]],
) -> None:
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    [(kind, (condition, responses, otherwise))] = api["DefinitionBody"][
        "x-amazon-apigateway-gateway-responses"
    ].items()
    assert (kind, condition, otherwise) == ("Fn::If", "HasAllowedOrigins", {"Ref": "AWS::NoValue"})
    assert set(responses) == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for response in responses.values():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
    # It is in force with the deployment that sets the origins, not with a later one.
    assert api["AlwaysDeploy"] is True


def test_api_gateway_hands_a_preflight_of_every_path_to_the_function(
    templates: dict[str, dict[str, Any]],
) -> None:
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    paths = api["DefinitionBody"]["paths"]
    assert set(paths) == {route.path for route in ROUTES}
    for methods in paths.values():
        assert methods["options"]["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
