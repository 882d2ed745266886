"""What the service sends to a webhook: a request for each kind of event, and its schemas.

In the document they are `webhooks` (OpenAPI 3.1), since the receiver is not a part of the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.api import values
from handlers.api.operation import JSON, Schema, header, record, ref
from handlers.domain.coupon_event import EventKind
from handlers.domain.webhook_event import OF_COUPON_EVENT, WebhookEventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG = "Webhooks"

HEADERS: list[Schema] = [
    header(
        "webhook-id",
        "The event's id: drop one that you have had.",
        values.EVENT,
        required=True,
    ),
    header(
        "webhook-timestamp",
        "When this attempt was made, in seconds since 1970: refuse one that is minutes old.",
        {"type": "string", "pattern": "^[0-9]{10}$"},
        required=True,
    ),
    header(
        "webhook-signature",
        "HMAC-SHA256 of `webhook-id.webhook-timestamp.body` in base64 behind `v1,`, by each secret "
        "that is valid, with blanks between them.",
        {"type": "string", "pattern": r"^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$"},
        required=True,
    ),
]
LATER: Schema = {
    "description": "Not now: it is sent again after `Retry-After`, an hour at most.",
    "headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After-Sometimes"}},
}
RESPONSES: dict[str, Schema] = {
    "2XX": {"description": "It has arrived. The text of the answer is not read."},
    "410": {"description": "Send nothing more: the webhook's state is GONE."},
    "429": LATER,
    "503": LATER,
    "default": {
        "description": "Not arrived, as without an answer in time: it is sent again, under the "
        "same id, for three days.",
    },
}
CAMPAIGN: dict[str, Schema] = {"campaign_id": values.CAMPAIGN}
COUPON: dict[str, Schema] = CAMPAIGN | {
    "serial": values.SERIAL,
    "code": values.nullable(values.CODE, "The code that the coupon had then."),
    "user_id": values.nullable(
        values.USER, "Whose it is, as read at this attempt: of an erased user a keyed hash."
    ),
}
OF_CHANGE = "order_id reason"


def _changed(kind: WebhookEventKind) -> dict[str, Schema]:
    changes = [change.value for change in EventKind if OF_COUPON_EVENT.get(change) is kind]
    return COUPON | {
        "order_id": values.ORDER_SHOWN | {"description": "The shop's order, where there is one."},
        "reason": {"type": "string", "description": "What an administrator wrote, if anything."},
        "change": {"type": "string", "enum": changes, "description": "What was done."},
    }


OF_CAMPAIGN: dict[str, Schema] = CAMPAIGN | {
    "name": {"type": "string", "description": "The campaign's name."},
    "quantity": values.count("How many can be given, returned places included."),
}
# Kind: when it is sent, its data, and which of these may be missing.
EVENTS: Mapping[WebhookEventKind, tuple[str, dict[str, Schema], str]] = {
    WebhookEventKind.ISSUED: ("A coupon is in the database.", COUPON, ""),
    WebhookEventKind.REDEEMED: (
        "A coupon was used.",
        _changed(WebhookEventKind.REDEEMED),
        OF_CHANGE,
    ),
    WebhookEventKind.RELEASED: (
        "An order gave a coupon back: a reservation was released, or a redemption cancelled.",
        _changed(WebhookEventKind.RELEASED),
        OF_CHANGE,
    ),
    WebhookEventKind.REVOKED: (
        "An administrator revoked a coupon, or its user gave it back.",
        _changed(WebhookEventKind.REVOKED),
        OF_CHANGE,
    ),
    WebhookEventKind.EXPIRED: (
        "A coupon's time is over, and it was neither used nor revoked.",
        COUPON,
        "",
    ),
    WebhookEventKind.OPENED: ("A campaign's opening time has come.", OF_CAMPAIGN, ""),
    WebhookEventKind.SOLD_OUT: (
        "The last coupon that can be given is in the database.",
        OF_CAMPAIGN,
        "",
    ),
    WebhookEventKind.CLOSED: ("A campaign's closing time has come.", OF_CAMPAIGN, ""),
}
EXAMPLES: Mapping[str, object] = {
    "campaign_id": "welcome",
    "serial": 7,
    "code": "4TB0S5XKQ9H2M7ZC",
    "user_id": "42",
    "order_id": "order-1001",
    "name": "Welcome",
    "quantity": 100,
}


def _name(kind: WebhookEventKind) -> str:
    """Return `CouponIssued` of `coupon.issued`."""
    return kind.replace(".", "_").title().replace("_", "")


def _schema(kind: WebhookEventKind) -> Schema:
    when, data, optional = EVENTS[kind]
    return record(
        when,
        {
            "type": {"type": "string", "const": kind.value},
            "timestamp": values.TIME | {"description": "When it happened."},
            "data": record("What it happened to.", data, optional),
        },
    )


def _example(kind: WebhookEventKind) -> Schema:
    _, data, _ = EVENTS[kind]
    shown = {name: EXAMPLES[name] for name in data if name in EXAMPLES}
    change = {"change": data["change"]["enum"][0]} if "change" in data else {}
    time = "2026-11-22T03:10:00.000Z"
    return {"type": kind.value, "timestamp": time, "data": shown | change}


SCHEMAS: dict[str, Schema] = {f"{_name(kind)}Event": _schema(kind) for kind in EVENTS}


def webhooks() -> dict[str, Any]:
    """Return the document's `webhooks`, by kind."""
    return {
        kind.value: {
            "post": {
                "operationId": f"send{_name(kind)}",
                "tags": [TAG],
                "summary": f"{kind.value}: sent to a webhook",
                "description": f"{when} As Standard Webhooks 1.0.0; at least once.",
                "parameters": HEADERS,
                "requestBody": {
                    "required": True,
                    "content": {
                        JSON: {
                            "schema": ref(f"{_name(kind)}Event"),
                            "examples": {"one": {"value": _example(kind)}},
                        }
                    },
                },
                "responses": RESPONSES,
            }
        }
        for kind, (when, _, _) in EVENTS.items()
    }
