"""infra/cdn.yaml: what CloudFront keeps, what it sends on, and with which headers."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from handlers.env_parser import EnvParser
from handlers.page_settings import PageSettings
from handlers.pages import PAGES
from handlers.routes import ROUTES
from local import pages
from tests.support.rendered import Stack
from tests.support.templates import template

if TYPE_CHECKING:
    from pathlib import Path

CDN = template("cdn")
RESOURCES = CDN["Resources"]
DISTRIBUTION = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
# AWS's own policies, by their ids: CachingDisabled, AllViewerExceptHostHeader.
KEEPS_NOTHING = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
KEPT_A_SECOND = {"/campaigns", "/campaigns/{id}"}
FROM_THE_BUCKET = {*PAGES, "/web/config.json", "/web/{version}/{folder}/{file}"}
# What CloudFront keeps for ten seconds unless a distribution says otherwise, by AWS's guide.
ERRORS = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
ISSUER = {
    "STAGE": "prod",
    "OIDC_CLIENT_ID": "pages",
    "AUTH_ISSUER": "https://id.example.com/realm",
    "AUTH_JWKS_URL": "https://id.example.com/keys",
    "OIDC_ORIGINS": "https://login.example.com",
}


def behaviour(path: str) -> dict[str, Any]:
    """Return what CloudFront does with a path: of the first pattern that fits."""
    for one in DISTRIBUTION["CacheBehaviors"]:
        if fnmatchcase(path, one["PathPattern"]):
            found: dict[str, Any] = one
            return found
    default: dict[str, Any] = DISTRIBUTION["DefaultCacheBehavior"]
    return default


def policy_of(one: dict[str, Any]) -> object:
    return one["CachePolicyId"]


def paths() -> list[str]:
    return sorted({route.path for route in ROUTES})


def example(path: str) -> str:
    return re.sub(r"\{\w+\}", "x-1", path)


@pytest.mark.parametrize("path", [p for p in paths() if p not in FROM_THE_BUCKET])
def test_a_call_reaches_the_service_whole_and_only_two_answers_are_kept(path: str) -> None:
    one = behaviour(example(path))
    assert one["TargetOriginId"] == "api"
    assert one["OriginRequestPolicyId"] == ALL_BUT_HOST
    assert one["ViewerProtocolPolicy"] == "https-only"
    assert set(one["AllowedMethods"]) == {
        *("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
    }
    kept = {"Ref": "CampaignsCache"} if path in KEPT_A_SECOND else KEEPS_NOTHING
    assert policy_of(one) == kept
    # CloudFront adds the header with the viewer's address, for the limits by address.
    [function] = one["FunctionAssociations"]
    assert function == {
        "EventType": "viewer-request",
        "FunctionARN": {"Fn::GetAtt": ["ViewerAddress", "FunctionARN"]},
    }


def test_no_method_that_changes_something_is_kept() -> None:
    for one in [DISTRIBUTION["DefaultCacheBehavior"], *DISTRIBUTION["CacheBehaviors"]]:
        assert set(one.get("CachedMethods", ["GET", "HEAD"])) == {"GET", "HEAD"}


def test_a_campaign_is_kept_for_a_second_for_all_who_ask_whatever_token_they_have() -> None:
    policy = RESOURCES["CampaignsCache"]["Properties"]["CachePolicyConfig"]
    # Nothing is kept that does not say so itself.
    assert (policy["MinTTL"], policy["DefaultTTL"], policy["MaxTTL"]) == (0, 0, 1)
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert key["HeadersConfig"] == {"HeaderBehavior": "whitelist", "Headers": ["Origin"]}
    assert key["QueryStringsConfig"]["QueryStrings"] == ["after", "limit"]
    # Compressing would make the ETag a weak one, and the key another one for each encoding.
    assert not key["EnableAcceptEncodingGzip"]
    assert "Compress" not in behaviour("/campaigns/x-1")


def test_no_error_is_kept_as_it_is_one_users() -> None:
    responses = DISTRIBUTION["CustomErrorResponses"]
    assert {one["ErrorCode"] for one in responses} == ERRORS
    for one in responses:
        assert one["ErrorCachingMinTTL"] == 0
        assert "ResponsePagePath" not in one  # the service's own problem reaches the user


@pytest.mark.parametrize("path", sorted(FROM_THE_BUCKET))
def test_a_page_and_its_files_come_from_the_bucket(path: str) -> None:
    one = behaviour(example(path))
    assert one["TargetOriginId"] == "pages"
    assert policy_of(one) == {"Ref": "PagesCache"}
    associated = [a["FunctionARN"] for a in one.get("FunctionAssociations", [])]
    is_page = path in PAGES
    assert associated == ([{"Fn::GetAtt": ["PagesOfPaths", "FunctionARN"]}] if is_page else [])


def headers_of(name: str, page_origins: str) -> dict[str, str]:
    """Return the headers that a policy adds to a response."""
    policy = RESOURCES[name]["Properties"]["ResponseHeadersPolicyConfig"]
    security = policy["SecurityHeadersConfig"]
    assert all(one["Override"] for one in security.values())
    text, variables = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    condition, more, nothing = variables["More"]["Fn::If"]
    assert (condition, more, nothing) == ("HasPageOrigins", {"Fn::Sub": " ${PageOrigins}"}, "")
    added = {one["Header"]: one["Value"] for one in policy["CustomHeadersConfig"]["Items"]}
    return added | {
        "Content-Security-Policy": text.replace("${More}", page_origins and f" {page_origins}"),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
    }


@pytest.mark.parametrize("environment", [{"STAGE": "prod"}, ISSUER])
def test_the_headers_of_the_pages_are_those_of_headers_json(
    environment: dict[str, str], tmp_path: Path
) -> None:
    settings = PageSettings.from_environment(EnvParser(environment), is_local=False)
    origins = " ".join(settings.reached)
    written = pages.write(tmp_path, settings, "")
    assert len(written) > 50
    for file in written:
        path, wanted = file["path"].replace(pages.ANY, "x-1"), dict(file["headers"])
        # These two are the object's own, from its upload.
        del wanted["Content-Type"], wanted["Cache-Control"]
        name = behaviour(path)["ResponseHeadersPolicyId"]["Ref"]
        added = headers_of(name, origins)
        if wanted:
            assert added == wanted, path
        else:  # config.json, to which the headers of a file do no harm
            assert path == "/web/config.json"
            assert name == "FileHeaders"


def test_only_the_distribution_reads_the_bucket() -> None:
    bucket = RESOURCES["PagesBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [origin] = [one for one in DISTRIBUTION["Origins"] if one["Id"] == "pages"]
    assert origin["OriginAccessControlId"] == {"Ref": "PagesAccess"}
    statements = RESOURCES["PagesBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    for statement in statements:
        if statement["Effect"] == "Allow":
            assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
            asked = json.dumps(statement["Condition"])
            assert "distribution/${Distribution}" in asked
            assert statement["Action"] in {"s3:GetObject", "s3:ListBucket"}


def test_another_region_is_refused_before_anything_is_made() -> None:
    [assertion] = CDN["Rules"]["Region"]["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}


@pytest.mark.parametrize(
    ("endpoint", "host", "path"),
    [
        (
            "https://a1b2.execute-api.ap-northeast-2.amazonaws.com/prod/",
            "a1b2.execute-api.ap-northeast-2.amazonaws.com",
            "/prod",
        ),
        ("https://origin.coupons.example.com/", "origin.coupons.example.com", None),
    ],
)
def test_what_is_behind_it_is_the_apis_stage_or_a_load_balancer(
    endpoint: str, host: str, path: str | None
) -> None:
    assert re.fullmatch(CDN["Parameters"]["ApiEndpoint"]["AllowedPattern"], endpoint)
    defaults = {name: str(p.get("Default", "")) for name, p in CDN["Parameters"].items()}
    made = Stack(CDN, defaults | {"ApiEndpoint": endpoint}, {}).properties("Distribution")
    [api] = [each for each in made["DistributionConfig"]["Origins"] if each["Id"] == "api"]
    # A path that is only "/" CloudFront refuses.
    assert (api["DomainName"], api.get("OriginPath")) == (host, path)


@pytest.mark.parametrize(
    "endpoint", ["http://a.example.com/", "https://a.example.com", "https://a.example.com/a/b/"]
)
def test_another_form_of_what_is_behind_it_is_refused(endpoint: str) -> None:
    assert not re.fullmatch(CDN["Parameters"]["ApiEndpoint"]["AllowedPattern"], endpoint)
