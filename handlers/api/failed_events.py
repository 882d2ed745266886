"""Failed events: records that could not be written, and the redrive."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, query, record, ref
from handlers.domain.record import FailedStatus, Reason
from handlers.failed_events import LIMIT_DEFAULT, LIMIT_MAX
from handlers.redrive import REDRIVABLE

TAG = "Failed events"
BASE64: Schema = {"type": ["string", "null"], "contentEncoding": "base64"}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": values.ID_MAX}

SCHEMAS: dict[str, Schema] = {
    "FailedEvent": record(
        "A record of the topic that could not be written.",
        {
            "id": ID,
            "campaign_id": {"type": ["string", "null"], "description": "Null: not readable."},
            "user_id": {"type": ["string", "null"], "description": "Null: not readable."},
            "topic": {"type": "string"},
            "partition_no": values.count("The partition of the topic."),
            "offset_no": values.count("The place in the partition."),
            "record_key": BASE64 | {"description": "The bytes as received."},
            "payload": BASE64 | {"description": "The bytes as received."},
            "reason": values.one_of(Reason, "Why it could not be written."),
            "detail": {"type": "string", "description": "More about the reason."},
            "attempts": values.count("How often the redrive has tried."),
            "status": values.one_of(FailedStatus, "How far the redrive has come."),
            "next_attempt_at": values.TIME,
            "created_at": values.TIME,
            "updated_at": values.TIME,
        },
    ),
    "FailedEventPage": record(
        "A page of failed events, by id.",
        {
            "failed_events": {"type": "array", "items": ref("FailedEvent")},
            "next_after": values.nullable(ID, "The `after` of the next page; null at the end."),
        },
    ),
    "Redriven": record(
        "What has become of the failed events that were tried again.",
        {
            "resolved": values.count("Written, or not needed any more."),
            "retried": values.count("Left for a later attempt."),
            "dead": values.count("Given up."),
        },
    ),
}

EVENT = {
    "id": 12,
    "campaign_id": "welcome",
    "user_id": "42",
    "topic": "coupon_create",
    "partition_no": 3,
    "offset_no": 118,
    "record_key": "NDI=",
    "payload": "e30=",
    "reason": Reason.SERIAL_TAKEN.value,
    "detail": "serial 7 belongs to another user",
    "attempts": 1,
    "status": FailedStatus.PENDING.value,
    "next_attempt_at": "2026-11-22T03:01:00.000Z",
    "created_at": "2026-11-22T03:00:00.097Z",
    "updated_at": "2026-11-22T03:00:00.097Z",
}

OPERATIONS: dict[str, Operation] = {
    "GET /failed-events": Operation(
        id="listFailedEvents",
        tag=TAG,
        summary="List failed events",
        description="By id. A page ends early with a record that makes it very large.",
        caller=Caller.ADMIN,
        parameters=[
            query(
                "after",
                "The page begins behind this id.",
                {"type": "integer", "minimum": 0, "maximum": values.ID_MAX, "default": 0},
            ),
            query("limit", "How many at most.", values.whole(1, LIMIT_MAX, LIMIT_DEFAULT)),
            query("status", "Only those.", values.one_of(FailedStatus, "A state.")),
            query("reason", "Only those.", values.one_of(Reason, "A reason.")),
            query("campaign_id", "Only those of a campaign.", values.CAMPAIGN),
            query("user_id", "Only those of a user.", values.USER),
        ],
        answers={
            200: Answer(
                "A page.",
                ref("FailedEventPage"),
                {"only": {"failed_events": [EVENT], "next_after": None}},
            )
        },
        problems=("INVALID_REQUEST",),
    ),
    "POST /failed-events/redrive": Operation(
        id="redriveFailedEvents",
        tag=TAG,
        summary="Write failed events again, now",
        description=(
            "For at most some 25 seconds; the next call goes on with the rest. Without `status` "
            "those that wait, also where they are not due; with DEAD those that were given up."
        ),
        caller=Caller.ADMIN,
        parameters=[
            query(
                "status",
                "Which ones.",
                {"type": "string", "enum": [one.value for one in REDRIVABLE], "default": "PENDING"},
            )
        ],
        answers={
            200: Answer(
                "What has become of them.",
                ref("Redriven"),
                {"one": {"resolved": 1, "retried": 0, "dead": 0}},
            )
        },
        problems=("INVALID_REQUEST",),
    ),
}

GROUP = Group(TAG, "Records that could not be written.", OPERATIONS, SCHEMAS)
