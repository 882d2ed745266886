"""The stacks created in moto, as far as moto supports it; `make test-infra` made the template."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cfnlint.decode import decode
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "out" / "infra" / "application.json"
REGION = "ap-northeast-2"
ACCOUNT = "123456789012"  # moto's
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
# moto knows only the names of these types: no API in the form of Swagger 2, no mapping of Kafka.
UNSUPPORTED = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::Lambda::EventSourceMapping",
}
EXPORTS = {
    "KeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    "SubnetIds": "subnet-1,subnet-2",
    "FunctionsGroup": "sg-1",
    "HttpsOutGroup": "sg-2",
    "PollersGroup": "sg-3",
    "RedisHost": "redis.example.com",
    "RedisPort": "6379",
    "RedisSecretArn": "arn:secret:redis",
    "KafkaClusterArn": f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/seonchak-prod/uuid-1",
    "DatabaseHost": "mysql.example.com",
    "DatabasePort": "3306",
    "DatabaseSecretArn": "arn:secret:mysql",
    "MigrationDatabaseSecretArn": "arn:secret:mysql-owner",
    "JwtSecretArn": "arn:secret:jwt",
    "CouponCodeSecretArn": "arn:secret:code",
    "ChallengeSecretArn": "arn:secret:challenge",
    "WebhookSecretArn": "arn:secret:webhook",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    assert "AWS_PROFILE" not in os.environ, "never against a real account"
    with mock_aws():
        yield


def creatable(template: dict[str, Any]) -> dict[str, Any]:
    """Return the template without the parts that moto cannot create, and references to them."""
    resources = template["Resources"]
    removed = {
        name
        for name, resource in resources.items()
        if resource["Type"] in UNSUPPORTED or resource_class_from_type(resource["Type"]) is None
    }
    while True:
        remaining = {name: r for name, r in resources.items() if name not in removed}
        more = {name for name, r in remaining.items() if refers_to(r, removed)}
        if not more:
            outputs = template.get("Outputs", {})
            outputs = {name: o for name, o in outputs.items() if not refers_to(o, removed)}
            return template | {"Resources": remaining, "Outputs": outputs}
        removed |= more


def refers_to(part: object, names: set[str]) -> bool:
    text = json.dumps(part)
    return any(f'"{n}"' in text or f"${{{n}}}" in text or f"${{{n}." in text for n in names)


def create(name: str, template: dict[str, Any], **parameters: str) -> Counter[str]:
    """Create a stack; return how many resources of each type it has."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    return Counter(resource["ResourceType"] for resource in found)


def create_exports(exports: dict[str, str]) -> None:
    """Create the exports of the earlier stacks."""
    outputs = {
        name: {"Value": value, "Export": {"Name": f"seonchak-prod-{name}"}}
        for name, value in exports.items()
    }
    create("before", {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs})


def create_containers(**parameters: str) -> Counter[str]:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    zones = {"10.40.0.0/20": f"{REGION}a", "10.40.16.0/20": f"{REGION}b"}
    subnets = ",".join(
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr, zone in zones.items()
    )
    create_exports(EXPORTS | {"VpcId": vpc, "SubnetIds": subnets, "PublicSubnetIds": subnets})
    given = {"KafkaBootstrapServers": "broker:9098", "ImageDigest": f"sha256:{'a' * 64}"}
    certificate = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1"
    template, _ = decode(str(ROOT / "infra" / "containers.yaml"))
    found = creatable(json.loads(json.dumps(template)))
    return create("containers", found, CertificateArn=certificate, **given | parameters)


def create_application() -> Counter[str]:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="packages", Key="deployment.zip", Body=EMPTY_ZIP)
    create_exports(EXPORTS)
    template = creatable(json.loads(TEMPLATE.read_text(encoding="utf-8")))
    return create("application", template, KafkaBootstrapServers="broker:9098")


def test_the_application_is_created_with_a_role_for_each_function_and_four_schedules(
    aws: None,
) -> None:
    created = create_application()
    assert created["AWS::Lambda::Function"] == created["AWS::IAM::Role"] == 8
    assert created["AWS::Events::Rule"] == 4
    assert created["AWS::S3::Bucket"] == created["AWS::SQS::Queue"] == 1
    functions = boto3.client("lambda").list_functions()["Functions"]
    assert len({function["Role"] for function in functions}) == 8
    rules = boto3.client("events").list_rules()["Rules"]
    assert {rule["ScheduleExpression"] for rule in rules} == {"rate(1 minute)"}


def test_the_functions_get_their_settings_from_the_exports_of_the_other_stacks(aws: None) -> None:
    create_application()
    functions = boto3.client("lambda").list_functions()["Functions"]
    for function in functions:
        variables = function["Environment"]["Variables"]
        assert variables["REDIS_URL"] == "rediss://redis.example.com:6379/0"
        assert variables["DATABASE_SECRET_ID"] == "arn:secret:mysql"
        owner = "arn:secret:mysql-owner" if "migrate" in function["FunctionName"].lower() else None
        assert variables.get("MIGRATION_DATABASE_SECRET_ID") == owner
        assert "INSECURE_ALLOWED" not in variables
        assert variables["DATABASE_TLS"] == "verify"
        assert "DATABASE_CA_FILE" not in variables
        assert variables["KAFKA_BOOTSTRAP_SERVERS"] == "broker:9098"
        assert "AUTH_JWKS_URL" not in variables
        assert function["VpcConfig"]["SubnetIds"] == ["subnet-1", "subnet-2"]


def test_the_consumer_may_read_one_topic_of_one_cluster_as_one_group(aws: None) -> None:
    create_application()
    iam = boto3.client("iam")
    [role] = [r for r in iam.list_roles()["Roles"] if "ConsumeHandlerRole" in r["RoleName"]]
    [name] = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    policy = ast.literal_eval(document)  # moto returns CloudFormation's value as Python's text
    allowed = {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]}
    arn = f"arn:aws:kafka:{REGION}:{ACCOUNT}"
    assert allowed["KafkaTopic"] == f"{arn}:topic/seonchak-prod/uuid-1/coupon_create"
    assert allowed["KafkaGroup"] == f"{arn}:group/seonchak-prod/uuid-1/group_1"
    assert allowed["KafkaCluster"] == EXPORTS["KafkaClusterArn"]


def test_the_containers_are_created_with_a_role_for_each_program(aws: None) -> None:
    created = create_containers()
    assert created["AWS::ECS::TaskDefinition"] == 4
    assert created["AWS::IAM::Role"] == 5  # one more starts the tasks
    ecs = boto3.client("ecs")
    families = ecs.list_task_definitions()["taskDefinitionArns"]
    tasks = [ecs.describe_task_definition(taskDefinition=a)["taskDefinition"] for a in families]
    # moto keeps no roles of tasks. It knows no policy of a bucket, which the load balancer needs,
    # which the gateway needs.
    assert created["AWS::ECS::Service"] == 2
    assert created["AWS::S3::Bucket"] == created["AWS::ECS::Cluster"] == 1
    for task in tasks:
        [container] = task["containerDefinitions"]
        variables = {pair["name"]: pair.get("value") for pair in container["environment"]}
        assert variables["REDIS_URL"] == "rediss://redis.example.com:6379/0"
        assert variables["KAFKA_BOOTSTRAP_SERVERS"] == "broker:9098"
        assert variables["AWS_REGION"] == REGION
        assert container["image"].endswith("/seonchak@sha256:" + "a" * 64)


def test_the_consumers_task_may_read_one_topic_of_one_cluster_as_one_group(aws: None) -> None:
    create_containers()
    iam = boto3.client("iam")
    [role] = [r for r in iam.list_roles()["Roles"] if "ConsumerRole" in r["RoleName"]]
    [name] = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    policy = ast.literal_eval(document)
    allowed = {statement["Sid"]: statement["Resource"] for statement in policy["Statement"]}
    arn = f"arn:aws:kafka:{REGION}:{ACCOUNT}"
    assert allowed["KafkaTopic"] == f"{arn}:topic/seonchak-prod/uuid-1/coupon_create"
    assert allowed["KafkaGroup"] == f"{arn}:group/seonchak-prod/uuid-1/group_1"


def test_the_bucket_of_unconsumed_batches_is_encrypted(aws: None) -> None:
    create_application()
    s3, name = boto3.client("s3"), f"seonchak-prod-unconsumed-{ACCOUNT}-{REGION}"
    [rule] = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_sam_makes_one_stage_the_one_with_the_firewall_the_log_and_the_throttle() -> None:
    resources = json.loads(TEMPLATE.read_text(encoding="utf-8"))["Resources"]

    def of_type(kind: str) -> dict[str, Any]:
        return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}

    [(name, stage)] = of_type("AWS::ApiGateway::Stage").items()
    assert stage["AccessLogSetting"]
    assert stage["MethodSettings"][0]["ThrottlingRateLimit"]
    [firewall] = of_type("AWS::WAFv2::WebACLAssociation").values()
    assert name in json.dumps(firewall["ResourceArn"])
    # A deployment that names a stage makes one more, with none of them.
    for deployment in of_type("AWS::ApiGateway::Deployment").values():
        assert "StageName" not in deployment


def test_the_alias_names_the_version_that_is_published_and_api_gateway_invokes_it() -> None:
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    resources = template["Resources"]
    [version] = [n for n, r in resources.items() if r["Type"] == "AWS::Lambda::Version"]
    [alias] = [n for n, r in resources.items() if r["Type"] == "AWS::Lambda::Alias"]
    properties = resources[alias]["Properties"]
    assert properties["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert resources[version]["DeletionPolicy"] == "Retain"  # to go back to
    paths = json.dumps(resources["RestAPI"]["Properties"]["Body"]["paths"])
    assert f"/functions/${{{alias}}}/invocations" in paths
    assert "APIHandler.Arn" not in paths
    permission = resources["APIHandlerInvokePermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": alias}
    # function:NAME:live, as Application Auto Scaling wants it.
    target = resources["ApiWarmth"]["Properties"]["ResourceId"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:seonchak-api:live"
    parts = arn.split(":")
    separator, (kind, *picked) = target["Fn::Join"]
    assert [p["Fn::Select"][1] for p in picked] == [{"Fn::Split": [":", {"Ref": alias}]}] * 2
    named = separator.join([kind, *(parts[p["Fn::Select"][0]] for p in picked)])
    assert named == "function:seonchak-api:live"
