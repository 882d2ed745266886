"""What API Gateway itself does for pages of other origins."""

from __future__ import annotations

from typing import Any

from handlers.routes import ROUTES
from tests.support.templates import of_type


def test_api_gateway_hands_a_preflight_of_every_path_to_the_function(
    templates: dict[str, dict[str, Any]],
) -> None:
    api = of_type(templates["application"], "AWS::Serverless::Api")["RestAPI"]
    paths = api["DefinitionBody"]["paths"]
    assert set(paths) == {route.path for route in ROUTES}
    for methods in paths.values():
        assert methods["options"]["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
