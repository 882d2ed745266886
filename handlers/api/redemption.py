"""Redemption: what a shop does with a coupon of which it has the code, and its revocation."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, record, ref
from handlers.domain.coupon_state import UNUSABLE
from handlers.domain.errors import CouponNotYetUsableError, PlacesExhaustedError
from handlers.redemption import TTL_S_DEFAULT, TTL_S_MAX

TAG = "Redemption"

HELD: dict[str, Schema] = {
    "campaign_id": values.CAMPAIGN,
    "serial": values.SERIAL,
    "code": values.CODE,
    "state": values.STATE,
    "benefit": values.BENEFIT_OR_NULL,
    "usable_from": values.USABLE_FROM,
    "usable_until": values.USABLE_UNTIL,
    "order_id": values.nullable(values.ORDER_SHOWN, "The order that has reserved or used it."),
    "reserved_until": values.nullable(values.TIME, "Null unless it is reserved."),
    "used_at": values.nullable(values.TIME, "Null unless it is used."),
}

SCHEMAS: dict[str, Schema] = {
    "HeldCoupon": record("A coupon as a shop sees it.", HELD),
    "RevokedCoupon": record(
        "A coupon that was revoked.",
        HELD
        | {
            "place_returned": {
                "type": "boolean",
                "description": "Whether its place goes to another applicant.",
            }
        },
    ),
    "NewReservation": record(
        "For which order, and for how long.",
        {
            "order_id": values.ORDER,
            "ttl_s": values.whole(1, TTL_S_MAX, TTL_S_DEFAULT)
            | {"description": "Seconds after which the reservation is over by itself."},
        },
        optional="ttl_s",
    )
    | {"additionalProperties": False},
    "NewRedemption": record("By which order.", {"order_id": values.ORDER})
    | {"additionalProperties": False},
    "NewRevocation": record(
        "Why, and whether the place goes to another applicant.",
        {
            "reason": values.LINE,
            "return_to_pool": {
                "type": "boolean",
                "default": False,
                "description": "Whether one more coupon is given instead, under a new serial.",
            },
        },
        optional="return_to_pool",
    )
    | {"additionalProperties": False},
}

ISSUED = {
    "campaign_id": "welcome",
    "serial": 7,
    "code": "4TB0S5XKQ9H2M7ZC",
    "state": "ISSUED",
    "benefit": {"kind": "amount", "value": 5000, "currency": "KRW"},
    "usable_from": None,
    "usable_until": "2026-12-22T03:00:00.041Z",
    "order_id": None,
    "reserved_until": None,
    "used_at": None,
}
OF_ORDER = ISSUED | {"order_id": "order-1001"}
RESERVED = OF_ORDER | {"state": "RESERVED", "reserved_until": "2026-11-22T03:25:00.000Z"}
USED = OF_ORDER | {"state": "USED", "used_at": "2026-11-22T03:10:00.000Z"}
REVOKED = ISSUED | {"state": "REVOKED", "place_returned": True}

REFUSALS = (*(error.code for error in UNUSABLE.values()), CouponNotYetUsableError.code)
NOTHING = "Also where the order did not have it. No body."

OPERATIONS: dict[str, Operation] = {
    "GET /coupons/{code}": Operation(
        id="getCoupon",
        tag=TAG,
        summary="Read a coupon by its code",
        description="Its state by the database's clock. Expired ones are `EXPIRED` by time alone.",
        caller=Caller.SHOP,
        answers={
            200: Answer("The coupon.", ref("HeldCoupon"), {"issued": ISSUED, "reserved": RESERVED})
        },
        problems=("COUPON_NOT_FOUND",),
    ),
    "POST /coupons/{code}/reservations": Operation(
        id="reserveCoupon",
        tag=TAG,
        summary="Reserve a coupon for an order",
        description=(
            "For `ttl_s` seconds no other order can use it. The same order again changes nothing, "
            "and does not make the reservation longer."
        ),
        caller=Caller.SHOP,
        body=ref("NewReservation"),
        examples={"order": {"order_id": "order-1001", "ttl_s": TTL_S_DEFAULT}},
        answers={
            201: Answer("Reserved.", ref("HeldCoupon"), {"reserved": RESERVED}),
            200: Answer(
                "This order had it already.",
                ref("HeldCoupon"),
                {"reserved": RESERVED, "used": USED},
            ),
        },
        problems=("COUPON_NOT_FOUND", *REFUSALS),
    ),
    "DELETE /coupons/{code}/reservations/{order_id}": Operation(
        id="releaseCoupon",
        tag=TAG,
        summary="End an order's reservation",
        description="Another order can have the coupon then. May be repeated.",
        caller=Caller.SHOP,
        answers={204: Answer(f"The order does not reserve it. {NOTHING}")},
        problems=("INVALID_REQUEST", "COUPON_NOT_FOUND", "ALREADY_USED"),
    ),
    "POST /coupons/{code}/redemptions": Operation(
        id="redeemCoupon",
        tag=TAG,
        summary="Use a coupon for an order",
        description="With or without a reservation of this order before. May be repeated.",
        caller=Caller.SHOP,
        body=ref("NewRedemption"),
        examples={"order": {"order_id": "order-1001"}},
        answers={
            201: Answer("Used.", ref("HeldCoupon"), {"used": USED}),
            200: Answer("This order had used it already.", ref("HeldCoupon"), {"used": USED}),
        },
        problems=("COUPON_NOT_FOUND", *REFUSALS),
    ),
    "DELETE /coupons/{code}/redemptions/{order_id}": Operation(
        id="cancelRedemption",
        tag=TAG,
        summary="Take an order's use of a coupon back",
        description=(
            "The order was cancelled: the coupon can be used again until it expires. A reservation "
            "of the order ends as well. May be repeated."
        ),
        caller=Caller.SHOP,
        answers={204: Answer(f"The order does not use it. {NOTHING}")},
        problems=("INVALID_REQUEST", "COUPON_NOT_FOUND"),
    ),
    "POST /coupons/{code}/revocation": Operation(
        id="revokeCoupon",
        tag=TAG,
        summary="Revoke a coupon",
        description=(
            "Also one that is reserved or expired; one that was used stays used. Its user cannot "
            "apply again. Repeated with `return_to_pool`, the place is returned later, once."
        ),
        caller=Caller.ADMIN,
        body=ref("NewRevocation"),
        examples={"returned": {"reason": "order fraud", "return_to_pool": True}},
        answers={200: Answer("It is revoked.", ref("RevokedCoupon"), {"returned": REVOKED})},
        problems=("COUPON_NOT_FOUND", "ALREADY_USED", "TOO_MANY_REQUESTS"),
        final={"TOO_MANY_REQUESTS": str(PlacesExhaustedError())},
    ),
}

GROUP = Group(TAG, "What a shop does with a coupon.", OPERATIONS, SCHEMAS)
