"""The schemas of webhooks and of their deliveries."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Schema, record, ref
from handlers.domain.webhook import (
    DESCRIPTION_LENGTH_MAX,
    PREVIOUS_S,
    PREVIOUS_S_MAX,
    WebhookState,
)
from handlers.domain.webhook_event import WebhookEventKind
from handlers.domain.webhook_signature import SECRET_PREFIX
from handlers.webhook_deliveries import REPLAY_MAX, STATUSES

CLOSED: Schema = {"additionalProperties": False}
STATUS: Schema = {"type": "string", "enum": list(STATUSES), "description": "How far it has come."}

URL: Schema = {
    "type": "string",
    "maxLength": 2000,
    "pattern": '^https?://[!"$-~]+$',
    "description": "Where requests are sent: `https://`, with WEBHOOK_INTERNAL also `http://`; "
    "without user, password and fragment.",
}
SET: dict[str, Schema] = {
    "url": URL,
    "kinds": {
        "type": "array",
        "items": values.one_of(WebhookEventKind, "A kind of event."),
        "minItems": 1,
        "description": "Which events are sent.",
    },
    "description": {
        "type": "string",
        "maxLength": DESCRIPTION_LENGTH_MAX,
        "description": "Printable text, for people.",
    },
}
WEBHOOK: dict[str, Schema] = {
    "id": values.WEBHOOK,
    **SET,
    "state": {
        "type": "string",
        "enum": [state.value for state in WebhookState if state is not WebhookState.DELETED],
        "description": "OFF: by an administrator. GONE: the receiver answered 410.",
    },
    "secrets": {"type": "integer", "minimum": 1, "description": "How many sign each request."},
    "previous_secret_until": values.nullable(
        values.TIME, "When the secrets before the newest end; null: there are none."
    ),
    "failures": values.count("Batches in a row of which nothing arrived."),
    "created_at": values.TIME,
}
SECRET: Schema = {
    "type": "string",
    "pattern": f"^{SECRET_PREFIX}[A-Za-z0-9+/]{{43}}=$",
    "description": "For the receiver, who checks signatures with it (Standard Webhooks). It is in "
    "no other answer.",
}
REPLAYED: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": REPLAY_MAX,
    "description": "How many are sent once more.",
}

SCHEMAS: dict[str, Schema] = {
    "Webhook": record("An address that is sent events.", WEBHOOK),
    "WebhookWithSecret": record("A webhook with its newest secret.", WEBHOOK | {"secret": SECRET}),
    "NewWebhook": record("A webhook to create.", SET, optional="description") | CLOSED,
    "WebhookChange": record(
        "What is to be different; what is left out stays.",
        SET
        | {
            "active": {
                "type": "boolean",
                "description": "Whether it is sent events; true brings it back from GONE.",
            }
        },
        optional="url kinds description active",
    )
    | CLOSED
    | {"minProperties": 1},
    "WebhookPage": record(
        "A page of webhooks, by id.",
        {
            "webhooks": {"type": "array", "items": ref("Webhook")},
            "next_after": values.nullable(
                values.WEBHOOK, "The `after` of the next page; null at the end."
            ),
        },
    ),
    "DeletedWebhook": record(
        "A webhook that was deleted.",
        {
            "id": values.WEBHOOK,
            "state": {"type": "string", "const": WebhookState.DELETED.value},
        },
    ),
    "Rotation": record(
        "How long the secret before signs as well.",
        {
            "previous_secret_s": values.whole(0, PREVIOUS_S_MAX, PREVIOUS_S)
            | {"description": "In seconds."}
        },
        optional="previous_secret_s",
    )
    | CLOSED,
    "Delivery": record(
        "An event for a webhook, and what has become of it.",
        {
            "event_id": values.EVENT,
            "kind": values.one_of(WebhookEventKind, "What happened."),
            "campaign_id": values.CAMPAIGN,
            "serial": values.nullable(values.SERIAL, "Null for an event of the campaign itself."),
            "code": values.nullable(values.CODE, "Null for an event of the campaign itself."),
            "status": STATUS,
            "attempts": values.count("How often it was sent since the last replay."),
            "http_status": {
                "type": ["integer", "null"],
                "description": "Of the last answer; null where none came.",
            },
            "error": {"type": ["string", "null"], "description": "Why it has not arrived."},
            "occurred_at": values.TIME,
            "created_at": values.TIME,
            "next_attempt_at": values.TIME,
            "expires_at": values.TIME | {"description": "Until then it is tried again."},
            "delivered_at": values.nullable(values.TIME, "Null until it has arrived."),
        },
    ),
    "DeliveryPage": record(
        "A page of deliveries, the newest first.",
        {
            "deliveries": {"type": "array", "items": ref("Delivery")},
            "next_after": values.nullable(
                values.EVENT, "The `after` of the next page; null at the end."
            ),
        },
    ),
    "NewReplay": record("Since when.", {"since": values.TIME_GIVEN}) | CLOSED,
    "Replayed": record("What is sent once more.", {"replayed": REPLAYED}),
    "ReplayedMany": record(
        "What is sent once more.",
        {
            "replayed": REPLAYED,
            "more": {
                "type": "boolean",
                "description": "There may be others: the same call goes on with them.",
            },
        },
    ),
}
