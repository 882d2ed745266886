"""Campaigns: create, read, list, and an administrator's counts."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, query, record, ref
from handlers.campaigns import LIMIT_DEFAULT, LIMIT_MAX
from handlers.domain.campaign import QUANTITY_MAX, RATE_MAX, CampaignState
from handlers.domain.campaign_name import NAME_LENGTH_MAX
from handlers.domain.rules import (
    CLAIM_LENGTH_MAX,
    DIFFICULTY_MAX,
    DIFFICULTY_MIN,
    NUMBER_MAX,
    TEXT_LENGTH_MAX,
)

TAG = "Campaigns"

# As handlers/domain/campaign_name.py, for characters of the first plane: a pattern that every
# engine reads cannot name the others that it excludes, the noncharacters of the other planes.
_NEVER = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
_BLANK = r" \u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\u00ad\u061c\ufeff"
NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": NAME_LENGTH_MAX,
    "pattern": f"^[^{_NEVER}]*[^{_NEVER}{_BLANK}][^{_NEVER}]*$",
    "description": "Any text of one line that is not only white space.",
}
QUANTITY: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": QUANTITY_MAX,
    "description": "How many coupons there are; written without a fraction.",
}
# A time of a request may have any offset; the years are those that every clock and server knows.
TIME_GIVEN: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})-",
    "description": "A time with Z or an offset, of the years 1970 to 9999.",
}

OPTIONAL: dict[str, Schema] = {
    "rate_per_address": {
        "type": "integer",
        "minimum": 0,
        "maximum": RATE_MAX,
        "description": "Applications from one address per second, 0 for any number; without it the "
        "service's own limit.",
    },
    "eligibility": ref("Eligibility"),
    "challenge": ref("ChallengeRule"),
}
CAMPAIGN: dict[str, Schema] = {
    "id": values.CAMPAIGN,
    "name": NAME,
    "quantity": QUANTITY,
    "opens_at": values.TIME | {"description": "The first moment at which one may apply, in UTC."},
    "closes_at": values.TIME | {"description": "The first moment at which it is over, in UTC."},
    **OPTIONAL,
}

SCHEMAS: dict[str, Schema] = {
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
    | {"additionalProperties": False},
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
    | {"additionalProperties": False},
    "NewCampaign": record(
        "A campaign to create. `closes_at` must be later than `opens_at`.",
        CAMPAIGN | {"opens_at": TIME_GIVEN, "closes_at": TIME_GIVEN},
        optional=" ".join(OPTIONAL),
    )
    | {"additionalProperties": False},
    "Campaign": record("A campaign as it was created.", CAMPAIGN, optional=" ".join(OPTIONAL)),
    "CampaignStatus": record(
        "A campaign at this moment.",
        CAMPAIGN
        | {
            "remaining": values.count("Coupons that can still be given."),
            "state": values.one_of(CampaignState, "What an applicant meets at this moment."),
        },
        optional=" ".join(OPTIONAL),
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

NEW = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00.000Z",
    "closes_at": "2026-11-29T03:00:00.000Z",
}
FOR_MEMBERS = NEW | {
    "id": "members",
    "rate_per_address": 50,
    "eligibility": {"claim": "member", "equals": True},
}
STATUS = NEW | {"remaining": 93, "state": CampaignState.OPEN.value}
LINKS = (
    "getCampaign",
    "apply",
    "getMyCoupon",
    "getChallenge",
    "getCampaignStats",
    "listCoupons",
    "reconcileCampaign",
)

OPERATIONS: dict[str, Operation] = {
    "POST /campaigns": Operation(
        id="createCampaign",
        tag=TAG,
        summary="Create a campaign",
        description=(
            "The same body again changes nothing and completes a creation that was interrupted. "
            "`INVALID_REQUEST` names the field that is wrong. A `challenge` needs a service that "
            "has CHALLENGE_SECRET."
        ),
        caller=Caller.ADMIN,
        body=ref("NewCampaign"),
        examples={"plain": NEW, "members": FOR_MEMBERS},
        answers={
            201: Answer(
                "Created.", ref("Campaign"), {"plain": NEW, "members": FOR_MEMBERS}, links=LINKS
            ),
            200: Answer(
                "It was there already, the same.", ref("Campaign"), {"plain": NEW}, links=LINKS
            ),
        },
        problems=("INVALID_REQUEST", "CAMPAIGN_EXISTS"),
    ),
    "GET /campaigns": Operation(
        id="listCampaigns",
        tag=TAG,
        summary="List campaigns",
        description="By id, without those that closed over a day ago. At most a second old.",
        parameters=[
            query("after", "The page begins behind this id.", values.CAMPAIGN),
            query("limit", "How many at most.", values.whole(1, LIMIT_MAX, LIMIT_DEFAULT)),
        ],
        answers={
            200: Answer(
                "A page.",
                ref("CampaignPage"),
                {"only": {"campaigns": [STATUS], "next_after": None}},
            )
        },
        problems=("INVALID_REQUEST",),
    ),
    "GET /campaigns/{id}": Operation(
        id="getCampaign",
        tag=TAG,
        summary="Read a campaign",
        description="At most a second old, where a cache keeps it as `Cache-Control` allows.",
        answers={200: Answer("The campaign.", ref("CampaignStatus"), {"open": STATUS})},
        problems=("CAMPAIGN_NOT_FOUND",),
    ),
    "GET /campaigns/{id}/stats": Operation(
        id="getCampaignStats",
        tag=TAG,
        summary="Count a campaign's admissions",
        description="From both servers, one after the other: the counts may differ for a moment.",
        caller=Caller.ADMIN,
        answers={
            200: Answer(
                "The counts.",
                ref("CampaignStats"),
                {
                    "open": {
                        "admitted": 7,
                        "pending": 1,
                        "issued": 6,
                        "failed": 0,
                        "remaining": 93,
                        "oldest_pending_s": 0.056,
                    }
                },
            )
        },
        problems=("CAMPAIGN_NOT_FOUND",),
    ),
}

GROUP = Group(TAG, "Promotions with a quantity and a time window.", OPERATIONS, SCHEMAS)
