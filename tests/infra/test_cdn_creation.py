"""infra/cdn.yaml created in moto, which knows its bucket and its logs; the rest by schema only."""

from __future__ import annotations

import boto3
import pytest
from cfnlint.decode import cfn_yaml

from tests.infra.test_creation import ACCOUNT, ROOT, aws, creatable, create

REGION = "us-east-1"  # CloudFront's
__all__ = ["aws"]  # a fixture
PARAMETERS = {
    "DomainName": "coupons.example.com",
    "ApiEndpoint": "https://a1b2.execute-api.ap-northeast-2.amazonaws.com/prod/",
    "OriginSecret": "x" * 48,
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1-a",
}


@pytest.mark.usefixtures("aws")
def test_the_bucket_of_the_pages_and_the_firewalls_log_are_made_in_cloudfronts_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    template = creatable(cfn_yaml.load(str(ROOT / "infra" / "cdn.yaml")))
    created = create("cdn", template, **PARAMETERS)
    assert created == {"AWS::S3::Bucket": 1, "AWS::Logs::LogGroup": 1}
    s3, name = boto3.client("s3"), f"seonchak-prod-pages-{ACCOUNT}"
    [rule] = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [group] = boto3.client("logs").describe_log_groups()["logGroups"]
    assert group["logGroupName"] == "aws-waf-logs-seonchak-prod-cdn"
    assert group["retentionInDays"] == 365
