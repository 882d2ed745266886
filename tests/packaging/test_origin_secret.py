"""A request that does not come through CloudFront is refused; one that does counts its viewer."""

from __future__ import annotations

from typing import Any

from handlers.edge.http import viewer
from tests.support.templates import of_type


def distribution_of(cdn: dict[str, Any]) -> dict[str, Any]:
    [found] = of_type(cdn, "AWS::CloudFront::Distribution").values()
    config: dict[str, Any] = found["DistributionConfig"]
    return config


def test_the_service_knows_cloudfront_by_a_secret_that_both_templates_write_alike(
    templates: dict[str, dict[str, Any]],
) -> None:
    cdn = templates["cdn"]
    distribution = distribution_of(cdn)
    [origin] = [one for one in distribution["Origins"] if one["Id"] == "api"]
    [header] = origin["OriginCustomHeaders"]
    assert header == {"HeaderName": viewer.SECRET, "HeaderValue": {"Ref": "OriginSecret"}}
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    code = of_type(cdn, "AWS::CloudFront::Function")["ViewerAddress"]["FunctionCode"]
    assert f'headers["{viewer.ADDRESS.lower()}"]' in code
    application = templates["application"]
    for parameters in (cdn["Parameters"], application["Parameters"]):
        assert parameters["OriginSecret"]["NoEcho"] is True
        assert "[A-Za-z0-9]{32,128}" in parameters["OriginSecret"]["AllowedPattern"]


def rules(template: dict[str, Any], **conditions: bool) -> dict[str, Any]:
    """Return the rules of a template's firewall under these conditions, by name."""
    [firewall] = of_type(template, "AWS::WAFv2::WebACL").values()

    def chosen(part: Any) -> Any:
        if isinstance(part, dict) and set(part) == {"Fn::If"}:
            condition, yes, no = part["Fn::If"]
            return chosen(yes if conditions.get(condition) else no)
        if isinstance(part, dict):
            return {name: chosen(value) for name, value in part.items()}
        return [chosen(one) for one in part] if isinstance(part, list) else part

    present = [rule for rule in chosen(firewall["Rules"]) if rule != {"Ref": "AWS::NoValue"}]
    assert len({rule["Priority"] for rule in present}) == len(present)
    return {rule["Name"]: rule for rule in present}


def test_with_a_secret_the_services_firewall_refuses_first_who_does_not_have_it(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    assert "only-through-cloudfront" not in rules(application)
    guarded = rules(application, HasOriginSecret=True)
    rule = guarded["only-through-cloudfront"]
    assert rule["Priority"] < min(r["Priority"] for n, r in guarded.items() if n != rule["Name"])
    assert rule["Action"] == {"Block": {}}
    match = rule["Statement"]["NotStatement"]["Statement"]["ByteMatchStatement"]
    assert match["FieldToMatch"] == {"SingleHeader": {"Name": viewer.SECRET.lower()}}
    assert match["PositionalConstraint"] == "EXACTLY"
    assert match["SearchString"] == {"Ref": "OriginSecret"}
    both = rules(application, HasOriginSecret=True, HasPreviousOriginSecret=True)
    either = both["only-through-cloudfront"]["Statement"]["NotStatement"]["Statement"]
    accepted = [one["ByteMatchStatement"] for one in either["OrStatement"]["Statements"]]
    assert [one["SearchString"]["Ref"] for one in accepted] == [
        *("OriginSecret", "PreviousOriginSecret")
    ]
    assert {**accepted[1], "SearchString": 0} == {**accepted[0], "SearchString": 0}


def test_the_rate_by_address_is_where_the_address_is_the_viewers(
    templates: dict[str, dict[str, Any]],
) -> None:
    application = templates["application"]
    # Behind CloudFront the service's firewall sees few addresses, each of thousands of viewers.
    assert "rate-per-address" in rules(application)
    assert "rate-per-address" not in rules(application, HasOriginSecret=True)
    cdn = templates["cdn"]
    at_the_edge = rules(cdn)
    rate = at_the_edge["rate-per-address"]["Statement"]["RateBasedStatement"]
    assert rate["AggregateKeyType"] == "IP"
    named = at_the_edge["reputation"]["Statement"]["ManagedRuleGroupStatement"]["Name"]
    assert named == "AWSManagedRulesAmazonIpReputationList"
    [firewall] = of_type(cdn, "AWS::WAFv2::WebACL").values()
    assert firewall["Scope"] == "CLOUDFRONT"
    assert distribution_of(cdn)["WebACLId"] == {"Fn::GetAtt": ["Firewall", "Arn"]}


def test_no_log_of_a_firewall_shows_a_token_a_secret_or_a_path(
    templates: dict[str, dict[str, Any]],
) -> None:
    for name in ("application", "cdn"):
        [logging] = of_type(templates[name], "AWS::WAFv2::LoggingConfiguration").values()
        hidden = logging["RedactedFields"]
        assert {"SingleHeader": {"Name": "authorization"}} in hidden
        assert {"UriPath": {}} in hidden
        # CloudFront's own firewall is before it: there is no secret yet.
        assert ({"SingleHeader": {"Name": "x-origin-secret"}} in hidden) == (name == "application")


def test_the_function_knows_the_secrets_that_its_firewall_takes(
    templates: dict[str, dict[str, Any]],
) -> None:
    functions = of_type(templates["application"], "AWS::Serverless::Function")
    known = {n: f.get("Environment", {}).get("Variables", {}) for n, f in functions.items()}
    assert [name for name, variables in known.items() if "ORIGIN_SECRET" in variables] == [
        "APIHandler"
    ]
    assert known["APIHandler"]["ORIGIN_SECRET"] == {
        "Fn::If": [
            "HasOriginSecret",
            {
                "Fn::If": [
                    "HasPreviousOriginSecret",
                    {"Fn::Sub": "${OriginSecret},${PreviousOriginSecret}"},
                    {"Ref": "OriginSecret"},
                ]
            },
            {"Ref": "AWS::NoValue"},
        ]
    }
