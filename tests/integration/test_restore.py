"""The restore: batches that Lambda gave up and left in S3 (moto) are written after all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws

from handlers import wiring
from handlers.adapters.aws import failed_batches
from handlers.adapters.redis.campaigns import UserAdmission
from handlers.consume import consume_handler
from handlers.redrive import redrive_handler
from handlers.restore import NotRestoredError, restore_handler
from tests.support.service import (
    apply,
    coupons,
    create_campaign,
    failures,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

BUCKET = "seonchak-failed-batches"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, service: Settings) -> Iterator[Any]:
    """An account with the bucket, and worthless credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
        client.close()


def leave(s3: Any, key: str, event: dict[str, Any] | bytes) -> None:
    """Leave an object in the bucket, as Lambda does with a batch."""
    record = {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 11},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "version": "1.0",
        "KafkaBatchInfo": {"batchSize": 1},
        "payload": json.dumps(event) if isinstance(event, dict) else "",
    }
    body = event if isinstance(event, bytes) else json.dumps(record).encode()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def s3_event(*keys: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(key)}},
            }
            for key in keys
        ]
    }


def stored(settings: Settings) -> list[tuple[Any, ...]]:
    return rows(
        settings,
        "SELECT partition_no, offset_no, reason, status FROM failed_event ORDER BY id",
    )


def test_a_batch_that_lambda_gave_up_is_written_by_the_redrive_and_never_twice(
    s3: Any, service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert [apply(campaign_id, user).body["serial"] for user in ("a", "b")] == [1, 2]
    event = kafka_event([message(campaign_id, "a", 1), message(campaign_id, "b", 2), b"poison"])
    leave(s3, "given up/1 + 2.json", event)
    for _ in range(2):  # S3 may send the event twice
        assert restore_handler(s3_event("given up/1 + 2.json"), None) == {"restored": 3}
    assert stored(service) == [
        (0, 0, "BATCH_FAILED", "PENDING"),
        (0, 1, "BATCH_FAILED", "PENDING"),
        (0, 2, "UNDECODABLE", "PENDING"),
    ]
    assert failures(service, campaign_id) == {"a": "BATCH_FAILED", "b": "BATCH_FAILED"}
    assert redrive_handler({}, None) == {"resolved": 2, "retried": 1, "dead": 0}
    assert coupons(service, campaign_id) == [("a", 1), ("b", 2)]
    assert wiring.redis_campaigns().applied(campaign_id, "a") == UserAdmission(1, None)  # settled
    restore_handler(s3_event("given up/1 + 2.json"), None)
    assert redrive_handler({}, None) == {"resolved": 0, "retried": 0, "dead": 0}


def test_a_batch_that_was_written_before_lambda_gave_it_up_is_found_so(
    s3: Any, service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    event = kafka_event([message(campaign_id, "a", 1)])
    consume_handler(event, None)  # … and then the function ran out of time, for example
    leave(s3, "late", event)
    restore_handler(s3_event("late"), None)
    assert redrive_handler({}, None)["resolved"] == 1
    assert coupons(service, campaign_id) == [("a", 1)]


def test_an_object_that_is_not_a_batch_is_an_error_and_the_others_are_restored(
    s3: Any, service: Settings, campaign_id: str
) -> None:
    leave(s3, "broken", b"not an invocation record")
    leave(s3, "good", kafka_event([message(campaign_id, "a", 1)]))
    with pytest.raises(NotRestoredError, match=r"^not in failed_event: broken, absent$"):
        restore_handler(s3_event("broken", "absent", "good"), None)
    assert stored(service) == [(0, 0, "BATCH_FAILED", "PENDING")]


def test_an_object_that_is_larger_than_any_batch_is_not_read(
    s3: Any, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_batches, "OBJECT_BYTES_MAX", 10)
    leave(s3, "large", b"x" * 11)
    with pytest.raises(NotRestoredError, match="large"):
        restore_handler(s3_event("large"), None)
    assert stored(service) == []


def test_a_record_that_mysql_refuses_does_not_hold_up_its_batch(
    s3: Any, service: Settings, campaign_id: str
) -> None:
    event = kafka_event([message(campaign_id, f"user-{n}", n) for n in range(1, 8)])
    event["records"]["coupon_create-0"][4]["offset"] = -1
    leave(s3, "refused", event)
    with pytest.raises(NotRestoredError, match="refused"):
        restore_handler(s3_event("refused"), None)
    assert [offset for _, offset, _, _ in stored(service)] == [0, 1, 2, 3, 5, 6]


def test_without_mysql_nothing_is_taken_for_restored(
    s3: Any, service: Settings, campaign_id: str
) -> None:
    leave(s3, "good", kafka_event([message(campaign_id, "a", 1)]))
    with pytest.MonkeyPatch.context() as patch:
        wiring.reset()
        patch.setenv("DATABASE_URL", "mysql://nobody@127.0.0.1:1/coupons")
        with pytest.raises(NotRestoredError):
            restore_handler(s3_event("good"), None)
        wiring.reset()
    assert restore_handler(s3_event("good"), None) == {"restored": 1}
    assert stored(service) == [(0, 0, "BATCH_FAILED", "PENDING")]
