"""Reports: the events of a campaign, and how its coupons were given and used."""

from __future__ import annotations

from handlers import events
from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, query, record, ref
from handlers.domain.campaign import QUANTITY_MAX, SERIAL_MAX
from handlers.domain.coupon_event import EventKind
from handlers.domain.coupon_state import CouponState
from handlers.domain.event_position import TEXT_MAX, EventPosition

TAG = "Reports"

POSITION: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]+$",
    "minLength": 1,
    "maxLength": TEXT_MAX,
    "description": "A place in the list, without a meaning for clients.",
}
EVENTS: Schema = {"type": "array", "items": ref("Event")}
COUNT_OF_BUCKET = values.count("How many.")
DELAY = {
    name: {"type": ["integer", "null"], "description": f"{text}; null without any."}
    for name, text in (("median_ms", "Half took no longer"), ("p95_ms", "95 of 100 took no longer"))
}

SCHEMAS: dict[str, Schema] = {
    "Event": record(
        "Something that happened to a campaign or to one of its coupons.",
        {
            "id": POSITION,
            "at": values.TIME | {"description": "By the database's clock."},
            "kind": {
                "type": "string",
                "enum": ["ISSUED", *(kind.value for kind in EventKind)],
                "description": "What happened.",
            },
            "serial": values.nullable(values.SERIAL, "Null where the campaign itself changed."),
            "actor": {
                "type": "string",
                "description": "Who did it: the `sub` of the token, of ISSUED the coupon's user. "
                "Empty: the service itself.",
            },
            "order_id": values.nullable(
                values.ORDER_SHOWN, "The shop's order, where there is one."
            ),
            "reason": values.nullable(values.LINE, "What an administrator gave as the reason."),
            "detail": {
                "type": "object",
                "description": "More about it, by kind; for CHANGED the fields `before` and "
                "`after`.",
            },
        },
    ),
    "EventPage": record(
        "A page of events, in order.",
        {
            "events": EVENTS,
            "next_after": POSITION | {"description": "The `after` of the next page, always."},
            "more": {"type": "boolean", "description": "Whether the next page has some already."},
            "settled_until": values.TIME
            | {"description": "Before this moment, nothing will come in between any more."},
            "recent": EVENTS
            | {"description": "Later ones, among which others may still come; on the last page."},
        },
    ),
    "Histogram": record(
        "How many over time.",
        {
            "width_ms": {"type": "integer", "minimum": 1, "description": "Of each bucket."},
            "buckets": {
                "type": "array",
                "description": "When each begins and how many it has, without empty ones.",
                "items": {
                    "type": "array",
                    "prefixItems": [values.TIME, COUNT_OF_BUCKET],
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
        },
    ),
    "Delay": record("How long something took.", DELAY),
    "Refusals": record(
        "How many applications were refused.",
        {
            "since": values.nullable(values.TIME, "When counting began; null: none was counted."),
            "by_reason": {
                "type": "object",
                "additionalProperties": values.count("Refusals with this code."),
                "description": "By the code of the answer.",
            },
        },
    ),
    "Report": record(
        "What has become of a campaign's coupons.",
        {
            "campaign_id": values.CAMPAIGN,
            "quantity": {"type": "integer", "minimum": 1, "maximum": QUANTITY_MAX},
            "opens_at": values.TIME,
            "closes_at": values.TIME,
            "sold_out_at": values.nullable(
                values.TIME, "When the last of the quantity was given; null: it was not."
            ),
            "sold_out_after_ms": {"type": ["integer", "null"], "description": "Since `opens_at`."},
            "coupons": values.count("Coupons that were counted."),
            "states": record(
                "How many of them are in each state.",
                {state.value: values.count("Coupons in this state.") for state in CouponState},
            ),
            "given": ref("Histogram"),
            "redeemed": ref("Histogram"),
            "admission_to_issue": ref("Delay"),
            "issue_to_redemption": ref("Delay"),
            "next_after": values.nullable(
                values.SERIAL, "The `after` for the rest of the coupons; null: all were counted."
            ),
            "refusals": values.optional_ref(ref("Refusals"), "Null where Redis does not respond."),
        },
    ),
}

FIRST = {
    "id": str(EventPosition(1_795_316_400_097, 0, 7)),
    "at": "2026-11-22T03:00:00.097Z",
    "kind": "ISSUED",
    "serial": 7,
    "actor": "42",
    "order_id": None,
    "reason": None,
    "detail": {},
}
SECOND = FIRST | {
    "id": str(EventPosition(1_795_317_000_000, 1, 31)),
    "at": "2026-11-22T03:10:00.000Z",
    "kind": "USED",
    "actor": "shop-1",
    "order_id": "order-1001",
}
PAGE = {
    "events": [FIRST, SECOND],
    "next_after": SECOND["id"],
    "more": False,
    "settled_until": "2026-11-22T03:59:50.000Z",
    "recent": [],
}
REPORT = {
    "campaign_id": "welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-29T03:00:00.000Z",
    "sold_out_at": None,
    "sold_out_after_ms": None,
    "coupons": 1,
    "states": dict.fromkeys(CouponState, 0) | {CouponState.USED: 1},
    "given": {"width_ms": 10, "buckets": [["2026-11-22T03:00:00.040Z", 1]]},
    "redeemed": {"width_ms": 10, "buckets": [["2026-11-22T03:10:00.000Z", 1]]},
    "admission_to_issue": {"median_ms": 56, "p95_ms": 56},
    "issue_to_redemption": {"median_ms": 600_000, "p95_ms": 600_000},
    "next_after": None,
    "refusals": {"since": "2026-11-22T02:59:58.000Z", "by_reason": {"NOT_OPEN": 12}},
}

OPERATIONS: dict[str, Operation] = {
    "GET /campaigns/{id}/events": Operation(
        id="listEvents",
        tag=TAG,
        summary="List what happened",
        description=(
            "In order, complete and without repetition for a reader who goes on with `next_after`. "
            "A page ends early with an event that makes it very large."
        ),
        caller=Caller.ADMIN,
        parameters=[
            query("after", "The page begins behind this place.", POSITION),
            query(
                "limit",
                "How many at most.",
                values.whole(1, events.LIMIT_MAX, events.LIMIT_DEFAULT),
            ),
        ],
        answers={200: Answer("A page.", ref("EventPage"), {"two": PAGE})},
        problems=("INVALID_REQUEST", "CAMPAIGN_NOT_FOUND"),
    ),
    "GET /campaigns/{id}/report": Operation(
        id="getReport",
        tag=TAG,
        summary="Report how coupons were given and used",
        description=(
            "Of a million serials at most; `next_after` says where the next call goes on. "
            "`refusals` are the campaign's, whatever `after` is."
        ),
        caller=Caller.ADMIN,
        parameters=[
            query("after", "Counted behind this serial.", values.whole(0, SERIAL_MAX, default=0))
        ],
        answers={200: Answer("The report.", ref("Report"), {"one": REPORT})},
        problems=("INVALID_REQUEST", "CAMPAIGN_NOT_FOUND"),
    ),
}

GROUP = Group(TAG, "What happened, one by one and in sums.", OPERATIONS, SCHEMAS)
