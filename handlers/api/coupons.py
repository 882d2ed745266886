"""Coupons: all winners of a campaign, and the comparison of the servers that hold them."""

from __future__ import annotations

from dataclasses import asdict

from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, query, record, ref
from handlers.coupons import COLUMNS, LIMIT_DEFAULT, LIMIT_MAX
from handlers.domain.campaign import SERIAL_MAX
from handlers.domain.reconciliation.differences import Kind
from handlers.domain.reconciliation.law import StateCounts

TAG = "Coupons"
CSV = "text/csv; charset=utf-8"

AFTER = query(
    "after", "The page begins behind this serial.", values.whole(0, SERIAL_MAX, default=0)
)
NEXT_AFTER = values.nullable(values.SERIAL, "The `after` of the next page; null at the end.")

STATES = {
    "issued": "All coupons: the sum of the states.",
    "usable": "Neither reserved, used, revoked nor expired.",
    "places_returned": "Those whose place went to another applicant.",
}

SCHEMAS: dict[str, Schema] = {
    "Coupon": record(
        "A coupon in the database.",
        {
            "serial": values.SERIAL,
            "user_id": values.USER,
            "code": values.CODE,
            "admitted_at": values.TIME | {"description": "When the user was accepted."},
            "issued_at": values.TIME | {"description": "When it was written."},
            "state": values.STATE,
            "order_id": values.nullable(
                values.ORDER_SHOWN, "The order that has reserved or used it."
            ),
            "reserved_until": values.nullable(values.TIME, "Null unless it is reserved."),
            "used_at": values.nullable(values.TIME, "Null unless it is used."),
        },
    ),
    "CouponPage": record(
        "A page of coupons, by serial.",
        {"coupons": {"type": "array", "items": ref("Coupon")}, "next_after": NEXT_AFTER},
    ),
    "Difference": record(
        "Something that Redis and MySQL disagree about.",
        {
            "kind": values.one_of(Kind, "What disagrees."),
            "user_id": {"type": ["string", "null"], "description": "Whom it is about."},
            "admitted_serial": {"type": ["integer", "null"], "description": "In Redis."},
            "issued_serial": {"type": ["integer", "null"], "description": "In MySQL."},
            "detail": {"type": "string", "description": "More about it, or nothing."},
        },
    ),
    "Repair": record(
        "What was found in a campaign, and what was repaired.",
        {
            "campaign_id": values.CAMPAIGN,
            "counts": record(
                "How many of each kind were found.",
                {kind.value: values.count("Differences of this kind.") for kind in Kind},
            ),
            "repaired": record(
                "How many of each kind were repaired.",
                {kind.value: values.count("Repaired ones.") for kind in Kind},
            ),
            "places_left": values.count(
                "Returned places that there was no time to make known to Redis. Then nothing was "
                "compared yet, and the next call goes on with them."
            ),
            "truncated": {"type": "boolean", "description": "There was no time for everything."},
            "next_after": {
                "type": ["integer", "null"],
                "description": "The `after` of the next call, where there was no time for all.",
            },
        },
    ),
    "Reconciliation": record(
        "The differences of a campaign, seen at two looks.",
        {
            "campaign_id": values.CAMPAIGN,
            "counts": record(
                "How many of each kind.",
                {kind.value: values.count("Differences of this kind.") for kind in Kind},
            ),
            "states": record(
                "How many of the coupons that were compared are in each state.",
                {
                    name: values.count(STATES.get(name, "Coupons in this state."))
                    for name in asdict(StateCounts())
                },
            ),
            "differences": {
                "type": "array",
                "items": ref("Difference"),
                "description": "The first 1,000.",
            },
            "truncated": {"type": "boolean", "description": "There is more than is listed."},
            "next_after": {
                "type": ["integer", "null"],
                "description": "The `after` of the next call, where there was no time for all.",
            },
        },
    ),
}

COUPON = {
    "serial": 7,
    "user_id": "42",
    "code": "4TB0S5XKQ9H2M7ZC",
    "admitted_at": "2026-11-22T03:00:00.041Z",
    "issued_at": "2026-11-22T03:00:00.097Z",
    "state": "USED",
    "order_id": "order-1001",
    "reserved_until": None,
    "used_at": "2026-11-22T03:10:00.000Z",
}
NO_DIFFERENCE = {
    "campaign_id": "welcome",
    "counts": {kind.value: 0 for kind in Kind},
    "states": StateCounts(issued=7, usable=6, used=1).to_json(),
    "differences": [],
    "truncated": False,
    "next_after": None,
}

REPAIRED = {
    "campaign_id": "welcome",
    "counts": {kind.value: 0 for kind in Kind} | {Kind.MISSING_ADMISSION.value: 2},
    "repaired": {kind.value: 0 for kind in Kind} | {Kind.MISSING_ADMISSION.value: 2},
    "places_left": 0,
    "truncated": False,
    "next_after": None,
}

OPERATIONS: dict[str, Operation] = {
    "GET /campaigns/{id}/coupons": Operation(
        id="listCoupons",
        tag=TAG,
        summary="List a campaign's coupons",
        description=(
            f"By serial, as JSON or, where `Accept` names `text/csv`, as CSV (RFC 4180) with the "
            f"columns {', '.join(COLUMNS)}; ids of users and orders are written so that no "
            "spreadsheet takes one for a formula. A campaign that does not exist has no coupons."
        ),
        caller=Caller.ADMIN,
        parameters=[
            AFTER,
            query("limit", "How many at most.", values.whole(1, LIMIT_MAX, LIMIT_DEFAULT)),
            query("user_id", "Only the coupons of this user.", values.USER),
        ],
        answers={
            200: Answer(
                "A page.",
                ref("CouponPage"),
                {"only": {"coupons": [COUPON], "next_after": None}},
                media={CSV: {"type": "string"}},
            )
        },
        problems=("INVALID_REQUEST", "CAMPAIGN_NOT_FOUND"),
    ),
    "GET /campaigns/{id}/reconciliation": Operation(
        id="reconcileCampaign",
        tag=TAG,
        summary="Compare the servers",
        description=(
            "Looks for what Redis, MySQL and the failed events disagree about, for at most some 24 "
            "seconds; `next_after` says where the next call goes on."
        ),
        caller=Caller.ADMIN,
        parameters=[AFTER],
        answers={200: Answer("What was found.", ref("Reconciliation"), {"nothing": NO_DIFFERENCE})},
        problems=("INVALID_REQUEST", "CAMPAIGN_NOT_FOUND"),
    ),
    "POST /campaigns/{id}/repair": Operation(
        id="repairCampaign",
        tag=TAG,
        summary="Repair what the servers disagree about",
        description=(
            "Compares as `reconcileCampaign` does, and repairs what is safe while people apply: "
            "Redis takes over the coupons of the database, and admissions without a coupon are "
            "sent again. Serials that belong to no user, and counters, are left to the rebuild and "
            "to `python -m local.reconcile --repair`. May be repeated; compare again afterwards."
        ),
        caller=Caller.ADMIN,
        parameters=[AFTER],
        answers={200: Answer("What was repaired.", ref("Repair"), {"two": REPAIRED})},
        problems=("INVALID_REQUEST", "CAMPAIGN_NOT_FOUND"),
    ),
}

GROUP = Group(TAG, "What was given to whom.", OPERATIONS, SCHEMAS)
