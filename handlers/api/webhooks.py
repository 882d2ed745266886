"""Webhooks: who is sent which events, what was sent, and sending it once more."""

from __future__ import annotations

from handlers import webhook_deliveries, webhooks
from handlers.api import values, webhook_requests
from handlers.api.operation import Answer, Caller, Group, Operation, query, ref
from handlers.api.webhook_schemas import SCHEMAS, STATUS
from handlers.domain.webhook import WEBHOOKS_MAX

TAG = "Webhooks"

NEW = {
    "url": "https://shop.example/coupons",
    "kinds": ["coupon.issued", "coupon.redeemed"],
    "description": "The shop",
}
WEBHOOK = {
    "id": "wh_0f6c2e1b9a7d4853e0c1f2a3",
    **NEW,
    "state": "ACTIVE",
    "secrets": 1,
    "previous_secret_until": None,
    "failures": 0,
    "created_at": "2026-11-22T02:00:00.000Z",
}
WITH_SECRET = WEBHOOK | {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwqL4zDg1ZlbE="}
ROTATED = WITH_SECRET | {"secrets": 2, "previous_secret_until": "2026-11-23T03:00:00.000Z"}
DELIVERY = {
    "event_id": "coupon_redeemed:welcome:7:31",
    "kind": "coupon.redeemed",
    "campaign_id": "welcome",
    "serial": 7,
    "code": "4TB0S5XKQ9H2M7ZC",
    "status": "DELIVERED",
    "attempts": 1,
    "http_status": 204,
    "error": None,
    "occurred_at": "2026-11-22T03:10:00.000Z",
    "created_at": "2026-11-22T03:10:00.000Z",
    "next_attempt_at": "2026-11-22T03:11:00.000Z",
    "expires_at": "2026-11-25T03:10:00.000Z",
    "delivered_at": "2026-11-22T03:10:00.480Z",
}
LINKS = (
    "getWebhook",
    "changeWebhook",
    "rotateWebhookSecret",
    "listDeliveries",
    "replayFailedDeliveries",
    "deleteWebhook",
)
MISSING = "WEBHOOK_NOT_FOUND"


def _limit(default: int, highest: int) -> dict[str, object]:
    return query("limit", "How many at most.", values.whole(1, highest, default))


OPERATIONS: dict[str, Operation] = {
    "GET /webhooks": Operation(
        id="listWebhooks",
        tag=TAG,
        summary="List webhooks",
        description="By id, without those that were deleted.",
        caller=Caller.ADMIN,
        parameters=[
            query("after", "The page begins behind this id.", values.WEBHOOK),
            _limit(webhooks.LIMIT_DEFAULT, webhooks.LIMIT_MAX),
        ],
        answers={
            200: Answer(
                "A page.", ref("WebhookPage"), {"only": {"webhooks": [WEBHOOK], "next_after": None}}
            )
        },
        problems=("INVALID_REQUEST",),
    ),
    "POST /webhooks": Operation(
        id="createWebhook",
        tag=TAG,
        summary="Create a webhook",
        description=(
            "It is sent what happens from now on. Only this answer and that of a rotation have the "
            f"secret. {WEBHOOKS_MAX} can be active. Needs a service that has WEBHOOK_SECRET. The "
            "same body again makes another webhook."
        ),
        caller=Caller.ADMIN,
        body=ref("NewWebhook"),
        examples={"shop": NEW},
        answers={
            201: Answer(
                "Created.",
                ref("WebhookWithSecret"),
                {"shop": WITH_SECRET},
                links=LINKS,
                link_parameter="webhook",
            )
        },
        problems=("TOO_MANY_WEBHOOKS",),
    ),
    "GET /webhooks/{webhook}": Operation(
        id="getWebhook",
        tag=TAG,
        summary="Read a webhook",
        description="Without a secret.",
        caller=Caller.ADMIN,
        answers={200: Answer("The webhook.", ref("Webhook"), {"shop": WEBHOOK})},
        problems=(MISSING,),
    ),
    "PATCH /webhooks/{webhook}": Operation(
        id="changeWebhook",
        tag=TAG,
        summary="Change a webhook",
        description=(
            "What waits is sent to the new `url`. With `active` false it is sent nothing, and what "
            "happens meanwhile is not kept for it."
        ),
        caller=Caller.ADMIN,
        body=ref("WebhookChange"),
        examples={"off": {"active": False}},
        answers={200: Answer("Changed.", ref("Webhook"), {"off": WEBHOOK | {"state": "OFF"}})},
        problems=(MISSING, "TOO_MANY_WEBHOOKS"),
    ),
    "DELETE /webhooks/{webhook}": Operation(
        id="deleteWebhook",
        tag=TAG,
        summary="Delete a webhook",
        description="It is sent nothing any more. Repeated, it is not there any more.",
        caller=Caller.ADMIN,
        answers={
            200: Answer(
                "Deleted.",
                ref("DeletedWebhook"),
                {"deleted": {"id": WEBHOOK["id"], "state": "DELETED"}},
            )
        },
        problems=(MISSING,),
    ),
    "POST /webhooks/{webhook}/secret": Operation(
        id="rotateWebhookSecret",
        tag=TAG,
        summary="Give a webhook a new secret",
        description=(
            "The secret before signs each request as well, for a while. The body can be left out."
        ),
        caller=Caller.ADMIN,
        body=ref("Rotation"),
        needs_body=False,
        examples={"day": {"previous_secret_s": 86_400}},
        answers={200: Answer("The new secret.", ref("WebhookWithSecret"), {"rotated": ROTATED})},
        problems=(MISSING,),
    ),
    "GET /webhooks/{webhook}/deliveries": Operation(
        id="listDeliveries",
        tag=TAG,
        summary="List what was sent",
        description="The newest first, with what is still to be sent.",
        caller=Caller.ADMIN,
        parameters=[
            query("after", "The page begins behind this event.", values.EVENT),
            query("status", "Only those.", STATUS),
            _limit(webhook_deliveries.LIMIT_DEFAULT, webhook_deliveries.LIMIT_MAX),
        ],
        answers={
            200: Answer(
                "A page.",
                ref("DeliveryPage"),
                {"only": {"deliveries": [DELIVERY], "next_after": None}},
            )
        },
        problems=("INVALID_REQUEST", MISSING, "DELIVERY_NOT_FOUND"),
    ),
    "POST /webhooks/{webhook}/deliveries/{event}/replay": Operation(
        id="replayDelivery",
        tag=TAG,
        summary="Send one event once more",
        description="Whatever became of it; it has three more days.",
        caller=Caller.ADMIN,
        answers={202: Answer("It will be sent.", ref("Replayed"), {"one": {"replayed": 1}})},
        problems=(MISSING, "DELIVERY_NOT_FOUND", "WEBHOOK_OFF"),
    ),
    "POST /webhooks/{webhook}/replay": Operation(
        id="replayFailedDeliveries",
        tag=TAG,
        summary="Send once more what did not arrive",
        description=(
            f"Of what was created since then, {webhook_deliveries.REPLAY_MAX:,} at most; where "
            "there is `more`, the same call goes on."
        ),
        caller=Caller.ADMIN,
        body=ref("NewReplay"),
        examples={"hour": {"since": "2026-11-22T03:00:00Z"}},
        answers={
            202: Answer(
                "They will be sent.", ref("ReplayedMany"), {"two": {"replayed": 2, "more": False}}
            )
        },
        problems=(MISSING, "WEBHOOK_OFF"),
    ),
}

GROUP = Group(TAG, "Who is sent what happens.", OPERATIONS, SCHEMAS | webhook_requests.SCHEMAS)
