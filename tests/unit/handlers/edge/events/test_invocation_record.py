"""handlers/edge: the events and objects that bring back a batch that Lambda gave up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.domain.record import Reason
from handlers.edge.events import invocation_record
from handlers.edge.events import s3 as s3_event
from handlers.edge.events.invocation_record import MalformedRecordError
from handlers.edge.events.s3 import NotS3Error
from tests.support.paths import EVENTS

RECORD: dict[str, Any] = json.loads((EVENTS / "invocation_record_kafka.json").read_text())
PAYLOAD: dict[str, Any] = json.loads(RECORD["payload"])
NOTIFICATION: dict[str, Any] = json.loads((EVENTS / "s3_object_created.json").read_text())
BUCKET, KEY = "seonchak-failed-batches", "aws/lambda/7f0e8e39/coupon_create/2026/11/22/a b+c:1.json"
BRIDGED = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": BUCKET}, "object": {"key": KEY, "size": 2000}},
}


def encoded(**changes: object) -> bytes:
    return json.dumps(RECORD | changes).encode()


def test_every_record_of_the_batch_is_a_failed_event_with_its_bytes_and_its_origin() -> None:
    events = invocation_record.decode(encoded())
    positions = [(e.record.topic, e.record.partition, e.record.offset) for e in events]
    assert positions == [
        ("coupon_create", 0, 15),
        ("coupon_create", 0, 16),
        ("coupon_create", 3, 8),
        ("coupon_create", 3, 9),
    ]
    first, *_, last = events
    assert (first.campaign_id, first.user_id) == ("welcome", "42")
    assert json.loads(first.record.value or b"")["serial"] == 1
    assert first.record.key == b"42"
    assert (first.reason, last.reason) == (Reason.BATCH_FAILED, Reason.UNDECODABLE)
    assert first.detail == "Lambda gave its batch up: RetryAttemptsExhausted"


def test_a_payload_that_is_the_event_itself_and_not_text_is_taken_as_well() -> None:
    """As Lambda writes it to a Kafka topic."""
    assert len(invocation_record.decode(encoded(payload=PAYLOAD))) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        json.dumps({name: RECORD[name] for name in RECORD if name != "payload"}).encode(),
        json.dumps({name: RECORD[name] for name in RECORD if name != "requestContext"}).encode(),
        encoded(payload=None),
        encoded(payload="<Whole Event>"),
        encoded(payload="[]"),
        encoded(payload=json.dumps(PAYLOAD | {"eventSource": "aws:kinesis"})),
        encoded(payload=json.dumps(PAYLOAD | {"records": {}})),
        encoded(payload=json.dumps(PAYLOAD | {"records": []})),
        encoded(payload=json.dumps(PAYLOAD | {"records": {"coupon_create-0": [{"offset": 1}]}})),
        encoded(payload=json.dumps(PAYLOAD | {"records": {"coupon_create-0": ["x"]}})),
    ],
)
def test_a_malformed_invocation_record_is_an_error_and_never_ignored(body: bytes) -> None:
    with pytest.raises(MalformedRecordError) as caught:
        invocation_record.decode(body)
    assert "Whole Event" not in str(caught.value)


def test_a_notification_names_bucket_and_key_as_they_are() -> None:
    assert s3_event.objects(NOTIFICATION) == [(BUCKET, KEY)]
    both = NOTIFICATION | {"Records": NOTIFICATION["Records"] * 2}
    assert s3_event.objects(both) == [(BUCKET, KEY)] * 2


def test_eventbridge_gives_the_key_unescaped() -> None:
    assert s3_event.objects(BRIDGED) == [(BUCKET, KEY)]


def test_the_test_message_of_s3_is_not_an_object() -> None:
    assert s3_event.objects({"Service": "Amazon S3", "Event": "s3:TestEvent"}) == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": None},
        {"Records": [{}]},
        {"Records": [{**NOTIFICATION["Records"][0], "eventSource": "aws:sqs"}]},
        {"Records": [{**NOTIFICATION["Records"][0], "eventName": "ObjectRemoved:Delete"}]},
        {"Records": [{**NOTIFICATION["Records"][0], "s3": {"bucket": {"name": BUCKET}}}]},
        BRIDGED | {"detail-type": "Object Deleted"},
        BRIDGED | {"detail": None},
    ],
)
def test_any_other_event_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(NotS3Error):
        s3_event.objects(event)
