"""Events as AWS's services send them."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from tests.support.paths import EVENTS
from tests.support.service import kafka_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handlers.domain.coupon import CouponAccepted

POST = json.loads((EVENTS / "apigateway_post.json").read_text("utf-8"))
CREATED = json.loads((EVENTS / "s3_object_created.json").read_text("utf-8"))
GIVEN_UP = json.loads((EVENTS / "invocation_record_kafka.json").read_text("utf-8"))
BUCKET = str(CREATED["Records"][0]["s3"]["bucket"]["name"])
SCHEDULE_RULE = "arn:aws:events:us-east-1:123456789012:rule/seonchak"


def http(
    call: str,
    campaign_id: str | None = None,
    *,
    token: str | None = None,
    body: object = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    is_base64: bool = False,
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return API Gateway's whole event of `call`, e.g. "POST /campaigns/{id}/apply".

    parameters: path parameters besides the campaign's id.
    """
    method, resource = call.split()
    event: dict[str, Any] = copy.deepcopy(POST)
    parameters = ({"id": campaign_id} if campaign_id else {}) | (parameters or {})
    path = resource
    for name, value in parameters.items():
        path = path.replace(f"{{{name}}}", value)
    sent = {**event["headers"], **(headers or {})}
    del sent["Authorization"]
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    event |= {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
        "pathParameters": parameters or None,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": is_base64,
    }
    event["requestContext"] |= {
        "httpMethod": method,
        "path": f"/local{path}",
        "resourcePath": resource,
    }
    return event


def msk(values: Iterable[CouponAccepted | bytes | None], first: int) -> dict[str, Any]:
    """Return the event of an MSK event source."""
    return kafka_event(values, first)


def self_managed(values: Iterable[CouponAccepted | bytes | None], first: int) -> dict[str, Any]:
    """Return the event of a self-managed Kafka: no ARN, and another source name."""
    event = kafka_event(values, first)
    del event["eventSourceArn"]
    return event | {"eventSource": "SelfManagedKafka"}


def schedule(rule: str) -> dict[str, Any]:
    """Return EventBridge's event of a schedule."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-22T03:00:00Z",
        "region": "us-east-1",
        "resources": [f"{SCHEDULE_RULE}-{rule}"],
        "detail": {},
    }


def object_created(key: str) -> dict[str, Any]:
    """Return S3's notification of a new object in BUCKET."""
    event: dict[str, Any] = copy.deepcopy(CREATED)
    event["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
    return event


def invocation_record(event: dict[str, Any]) -> bytes:
    """Return the bucket object that Lambda writes for an event that it gave up."""
    return json.dumps(GIVEN_UP | {"payload": json.dumps(event)}).encode()
