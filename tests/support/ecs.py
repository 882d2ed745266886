"""infra/containers.yaml with parameters filled in: its programs and their variables."""

from __future__ import annotations

from typing import Any

from tests.support.rendered import Stack
from tests.support.templates import template

PROGRAMS = ("Gateway", "Consumer", "Scheduler", "Migrate")
SERVICES = PROGRAMS[:3]
# Each secret has an address of its own: two purposes with one are refused.
EXPORTS = {
    f"seonchak-prod-{name}": f"arn:{name}"
    for name in (
        *("KeyArn", "VpcId", "FunctionsGroup", "HttpsOutGroup", "RedisSecretArn", "JwtSecretArn"),
        *("DatabaseSecretArn", "MigrationDatabaseSecretArn", "CouponCodeSecretArn"),
        *("ChallengeSecretArn", "WebhookSecretArn"),
    )
} | {
    "seonchak-prod-SubnetIds": "subnet-1,subnet-2",
    "seonchak-prod-PublicSubnetIds": "subnet-3,subnet-4",
    "seonchak-prod-RedisHost": "redis.example.com",
    "seonchak-prod-RedisPort": "6379",
    "seonchak-prod-DatabaseHost": "mysql.example.com",
    "seonchak-prod-DatabasePort": "3306",
    "seonchak-prod-KafkaClusterArn": (
        "arn:aws:kafka:ap-northeast-2:123456789012:cluster/seonchak-prod/uuid-1"
    ),
}
ISSUER = {
    "AuthJwksUrl": "https://issuer/keys",
    "AuthIssuer": "https://issuer/",
    "AuthAudience": "coupons",
    "AllowedOrigins": "https://shop.example.com",
    "OidcClientId": "pages",
    "OidcOrigins": "https://shop.auth.example.com",
}
SCRAM = {
    "KafkaSecurity": "SASL_SSL_SCRAM",
    "SelfManagedKafkaSecretArn": "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:kafka",
}
CONTAINERS = template("containers")


def stack(**parameters: str) -> Stack:
    defaults = {n: str(p.get("Default", "")) for n, p in CONTAINERS["Parameters"].items()}
    given = {
        "KafkaBootstrapServers": "broker:9098",
        "ImageDigest": "sha256:" + "a" * 64,
        "CertificateArn": "arn:aws:acm:ap-northeast-2:123456789012:certificate/1",
    }
    return Stack(CONTAINERS, defaults | given | parameters, EXPORTS)


def container(found: Stack, program: str) -> dict[str, Any]:
    [only] = found.properties(f"{program}Task")["ContainerDefinitions"]
    assert isinstance(only, dict)
    return only


def environment(found: Stack, program: str) -> dict[str, str]:
    """Return the variables of a program, with what ECS fetches from Secrets Manager."""
    described = container(found, program)
    pairs = {pair["Name"]: str(pair["Value"]) for pair in described["Environment"]}
    assert len(pairs) == len(described["Environment"]), "a variable is named twice"
    return pairs | {pair["Name"]: pair["ValueFrom"] for pair in described.get("Secrets", [])}


def attributes(found: Stack, resource: str, key: str) -> dict[str, str]:
    return {pair["Key"]: str(pair["Value"]) for pair in found.properties(resource)[key]}
