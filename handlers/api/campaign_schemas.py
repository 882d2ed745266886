"""The schemas of campaigns: what is set of them, and what is shown of them."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Schema, record, ref
from handlers.domain.benefit import AMOUNT_MAX, CURRENCY, KINDS, NOTE_LENGTH_MAX, PERCENT_MAX
from handlers.domain.campaign import OF_TERMS, QUANTITY_MAX, RATE_MAX, CampaignState
from handlers.domain.releases import RELEASES_MAX
from handlers.domain.rules import (
    CLAIM_LENGTH_MAX,
    DIFFICULTY_MAX,
    DIFFICULTY_MIN,
    NUMBER_MAX,
    TEXT_LENGTH_MAX,
)
from handlers.domain.terms import USABLE_DAYS_MAX, ZONE, ZONE_LENGTH_MAX

CLOSED: Schema = {"additionalProperties": False}

QUANTITY: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": QUANTITY_MAX,
    "description": "How many coupons there are; written without a fraction.",
}
PAUSED: Schema = {"type": "boolean", "description": "Whether applicants are refused for now."}
AMOUNT: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": AMOUNT_MAX}


def _campaign(time: Schema, release: str) -> dict[str, Schema]:
    """Return the members of a campaign whose times have this schema."""
    return {
        "id": values.CAMPAIGN,
        "name": values.LINE,
        "quantity": QUANTITY,
        "opens_at": time | {"description": "The first moment at which one may apply."},
        "closes_at": time | {"description": "The first moment at which it is over."},
        "rate_per_address": {
            "type": "integer",
            "minimum": 0,
            "maximum": RATE_MAX,
            "description": "Applications from one address per second, 0 for any number; without it "
            "the service's own limit.",
        },
        "eligibility": ref("Eligibility"),
        "challenge": ref("ChallengeRule"),
        "releases": {
            "type": "array",
            "items": ref(release),
            "minItems": 1,
            "maxItems": RELEASES_MAX,
            "description": "The coupons in stages; their quantities add up to `quantity`.",
        },
        "benefit": ref("Benefit"),
        "usable_from": time | {"description": "The first moment at which a coupon can be used."},
        "usable_until": time | {"description": "The first moment at which all have expired."},
        "usable_days": {
            "type": "integer",
            "minimum": 1,
            "maximum": USABLE_DAYS_MAX,
            "description": "For how many days of 24 hours a coupon can be used, from its admission "
            "on. Not together with `usable_until`.",
        },
        "time_zone": {
            "type": "string",
            "pattern": f"^{ZONE.pattern}$",
            "maxLength": ZONE_LENGTH_MAX,
            "description": "A name of the IANA time zone database, for pages.",
        },
    }


def _release(time: Schema) -> Schema:
    members = {
        "at": time | {"description": "From `opens_at` on, and before `closes_at`."},
        "quantity": QUANTITY | {"description": "How many more there are from then on."},
    }
    return record("A stage of the coupons.", members) | CLOSED


SHOWN = _campaign(values.TIME, "Release")
GIVEN = _campaign(values.TIME_GIVEN, "NewRelease")
OPTIONAL = " ".join(["rate_per_address", "eligibility", "challenge", "releases", *sorted(OF_TERMS)])

SCHEMAS: dict[str, Schema] = {
    "Release": _release(values.TIME),
    "NewRelease": _release(values.TIME_GIVEN),
    "Benefit": record(
        "What a coupon is worth, for the shop: at most 2 KiB of JSON.",
        {
            "kind": {"type": "string", "enum": list(KINDS)},
            "value": AMOUNT
            | {
                "description": f"A percentage, {PERCENT_MAX} at most, or an amount; with `gift` it "
                "may be left out."
            },
            "currency": {
                "type": "string",
                "pattern": f"^{CURRENCY.pattern}$",
                "description": "Of ISO 4217; needed with `amount` and with `minimum_order`.",
            },
            "minimum_order": AMOUNT | {"description": "The least sum of an order."},
            "note": {
                "type": "string",
                "minLength": 1,
                "maxLength": NOTE_LENGTH_MAX,
                "pattern": r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$",
                "description": "Text for people.",
            },
            "metadata": {"type": "object", "description": "Anything that the shop needs."},
        },
        optional="value currency minimum_order note metadata",
    )
    | CLOSED
    | {
        "dependentRequired": {"minimum_order": ["currency"]},
        "if": {"properties": {"kind": {"const": "percent"}}},
        "then": {"properties": {"value": {"maximum": PERCENT_MAX}}, "required": ["value"]},
        "else": {
            "if": {"properties": {"kind": {"const": "amount"}}},
            "then": {"required": ["value", "currency"]},
        },
    },
    "Eligibility": record(
        "Who may apply: a user whose token has this claim with this value, or with a list that "
        "contains it.",
        {
            "claim": {"type": "string", "minLength": 1, "maxLength": CLAIM_LENGTH_MAX},
            "equals": {
                "type": ["string", "number", "boolean"],
                "minLength": 1,
                "maxLength": TEXT_LENGTH_MAX,
                "minimum": -NUMBER_MAX,
                "maximum": NUMBER_MAX,
            },
        },
    )
    | CLOSED,
    "ChallengeRule": record(
        "What a browser has to do before it applies.",
        {
            "max_number": {
                "type": "integer",
                "minimum": DIFFICULTY_MIN,
                "maximum": DIFFICULTY_MAX,
                "description": "Twice as many hashes as it takes in the mean.",
            }
        },
    )
    | CLOSED,
    "NewCampaign": record(
        "A campaign to create. `closes_at` must be later than `opens_at`.",
        GIVEN,
        optional=OPTIONAL,
    )
    | CLOSED
    | {"not": {"required": ["usable_until", "usable_days"]}},
    "CampaignChange": record(
        "What is to be different; what is left out stays. `closes_at` may be `now`.",
        {
            "name": values.LINE,
            "quantity": QUANTITY,
            "opens_at": values.TIME_GIVEN,
            "closes_at": {
                "anyOf": [values.TIME_GIVEN, {"type": "string", "const": "now"}],
                "description": "When it is over.",
            },
            "paused": PAUSED,
        },
        optional="name quantity opens_at closes_at paused",
    )
    | CLOSED
    | {"minProperties": 1},
    "Campaign": record("A campaign as an administrator has set it.", SHOWN, optional=OPTIONAL),
    "ChangedCampaign": record(
        "A campaign after a change.", SHOWN | {"paused": PAUSED}, optional=OPTIONAL
    ),
    "ArchivedCampaign": record(
        "A campaign that is over and has left Redis.",
        SHOWN | {"archived": {"type": "boolean", "const": True}},
        optional=OPTIONAL,
    ),
    "CampaignStatus": record(
        "A campaign at this moment.",
        SHOWN
        | {
            "remaining": values.count("Coupons that can still be given."),
            "state": values.one_of(CampaignState, "What an applicant meets at this moment."),
            "paused": PAUSED,
            "released": values.count("Of the quantity; only where there are `releases`."),
            "next_release_at": values.nullable(
                values.TIME, "Null where none follows; only where there are `releases`."
            ),
            "now": values.TIME
            | {"description": "This moment, by the clock that opens campaigns; not in a page."},
        },
        optional=f"{OPTIONAL} released next_release_at now",
    ),
    "CampaignPage": record(
        "A page of campaigns, by id.",
        {
            "campaigns": {"type": "array", "items": ref("CampaignStatus")},
            "next_after": values.nullable(
                values.CAMPAIGN, "The `after` of the next page; null at the end."
            ),
        },
    ),
    "CampaignStats": record(
        "How many admissions of a campaign are in each state.",
        {
            "admitted": values.count("Users who were accepted."),
            "pending": values.count("Accepted, and not yet known to be in the database."),
            "issued": values.count("Coupons in the database."),
            "failed": values.count("Records that could not be written and wait."),
            "remaining": values.count("Coupons that can still be given."),
            "oldest_pending_s": {
                "type": "number",
                "description": "How long the oldest has been pending, in seconds; 0: none is.",
            },
        },
    ),
}
