"""The invocation record that Lambda stores in S3 for a Kafka batch that it gave up.

`payload` holds the whole event as text; an SQS or SNS destination would get all but that.
"""

from __future__ import annotations

import json
from typing import Any

from handlers.domain.record import FailedEvent, Reason
from handlers.edge.events import kafka as kafka_event


class MalformedRecordError(ValueError):
    """The object is not an invocation record of a Kafka batch; the operator must look at it."""


def decode(body: bytes) -> list[FailedEvent]:
    """Return every Kafka record of the batch as a failed event; raise MalformedRecordError."""
    try:
        record = json.loads(body)
        condition = str(record["requestContext"]["condition"])
        payload = record["payload"]
        accepted, undecodable = kafka_event.decode(_event(payload))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # The error's type, never its text: a JSON error would quote the object.
        message = f"no invocation record of a Kafka batch ({type(error).__name__})"
        raise MalformedRecordError(message) from None
    if not accepted and not undecodable:
        message = "an invocation record without any Kafka record"
        raise MalformedRecordError(message)
    detail = f"Lambda gave its batch up: {condition}"
    given_up = [
        FailedEvent(
            one.record, Reason.BATCH_FAILED, detail, one.coupon.campaign_id, one.coupon.user_id
        )
        for one in accepted
    ]
    return [*given_up, *undecodable]


def _event(payload: Any) -> dict[str, Any]:
    event = json.loads(payload) if isinstance(payload, str) else payload
    if not isinstance(event, dict):
        raise TypeError
    return event
