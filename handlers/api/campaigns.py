"""Campaigns: create, read, list, change, archive, and an administrator's counts."""

from __future__ import annotations

from handlers.api import values
from handlers.api.campaign_schemas import SCHEMAS
from handlers.api.operation import Answer, Caller, Group, Operation, header, query, ref
from handlers.campaigns import LIMIT_DEFAULT, LIMIT_MAX
from handlers.domain.campaign import CampaignState

TAG = "Campaigns"
TAGGED = ("Cache-Control", "ETag")

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
IN_STAGES = NEW | {
    "id": "summer",
    "releases": [
        {"at": "2026-11-22T03:00:00.000Z", "quantity": 60},
        {"at": "2026-11-23T03:00:00.000Z", "quantity": 40},
    ],
    "benefit": {"kind": "amount", "value": 5000, "currency": "KRW", "minimum_order": 20000},
    "usable_days": 30,
    "time_zone": "Asia/Seoul",
}
STATUS = NEW | {"remaining": 93, "state": CampaignState.OPEN.value, "paused": False}
STATUS_IN_STAGES = IN_STAGES | {
    "remaining": 40,
    "state": CampaignState.NEXT_RELEASE.value,
    "paused": False,
    "released": 60,
    "next_release_at": "2026-11-23T03:00:00.000Z",
}
NOW = {"now": "2026-11-22T03:00:07.250Z"}
CHANGED = NEW | {"quantity": 120, "paused": True}
LINKS = (
    "getCampaign",
    "apply",
    "getMyCoupon",
    "getChallenge",
    "getCampaignStats",
    "listCoupons",
    "reconcileCampaign",
    "listEvents",
    "getReport",
)
# A change that a process has left half-done is completed first.
OF_COMPLETION = ("PRECONDITION_FAILED", "QUANTITY_TOO_LOW")

OPERATIONS: dict[str, Operation] = {
    "POST /campaigns": Operation(
        id="createCampaign",
        tag=TAG,
        summary="Create a campaign",
        description=(
            "The same body again changes nothing and completes a creation that was interrupted. "
            "`INVALID_REQUEST` names the field that is wrong. A `challenge` needs a service that "
            "has CHALLENGE_SECRET. Where the campaign has a change that was interrupted, that is "
            "completed first; should it be refused, this call is, once."
        ),
        caller=Caller.ADMIN,
        body=ref("NewCampaign"),
        examples={"plain": NEW, "members": FOR_MEMBERS, "stages": IN_STAGES},
        answers={
            201: Answer(
                "Created.",
                ref("Campaign"),
                {"plain": NEW, "members": FOR_MEMBERS, "stages": IN_STAGES},
                headers=TAGGED,
                links=LINKS,
            ),
            200: Answer(
                "It was there already, the same.",
                ref("Campaign"),
                {"plain": NEW},
                headers=TAGGED,
                links=LINKS,
            ),
        },
        problems=("INVALID_REQUEST", "CAMPAIGN_EXISTS", *OF_COMPLETION),
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
        answers={
            200: Answer(
                "The campaign.",
                ref("CampaignStatus"),
                {"open": STATUS | NOW, "stages": STATUS_IN_STAGES | NOW},
                headers=TAGGED,
            )
        },
        problems=("CAMPAIGN_NOT_FOUND",),
    ),
    "PATCH /campaigns/{id}": Operation(
        id="changeCampaign",
        tag=TAG,
        summary="Change a campaign",
        description=(
            "Holds for every applicant within a second. What was given stays given: `quantity` "
            "cannot fall below the highest serial, and `opens_at` cannot change once the campaign "
            "has opened. A body that changes nothing makes no new version. After `UNAVAILABLE` the "
            "change may still be made: read the campaign again."
        ),
        caller=Caller.ADMIN,
        parameters=[
            header(
                "If-Match",
                "The `ETag` of the campaign as you know it, or `*`.",
                {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'},
                required=True,
            )
        ],
        body=ref("CampaignChange"),
        examples={
            "quantity": {"quantity": 120, "paused": True},
            "end": {"closes_at": "now"},
        },
        answers={
            200: Answer(
                "The campaign, changed.",
                ref("ChangedCampaign"),
                {"quantity": CHANGED},
                headers=TAGGED,
            )
        },
        problems=(
            "CAMPAIGN_NOT_FOUND",
            "PRECONDITION_REQUIRED",
            "PRECONDITION_FAILED",
            "ALREADY_OPENED",
            "QUANTITY_TOO_LOW",
        ),
    ),
    "POST /campaigns/{id}/archive": Operation(
        id="archiveCampaign",
        tag=TAG,
        summary="Archive a campaign that is over",
        description=(
            "It leaves Redis and every list; its coupons stay as they are, and can be used. May be "
            "repeated. Where the campaign has a change that was interrupted, that is completed "
            "first."
        ),
        caller=Caller.ADMIN,
        answers={
            200: Answer(
                "It is archived.", ref("ArchivedCampaign"), {"plain": NEW | {"archived": True}}
            )
        },
        problems=(
            "CAMPAIGN_NOT_FOUND",
            "CAMPAIGN_NOT_CLOSED",
            "CAMPAIGN_NOT_SETTLED",
            *OF_COMPLETION,
        ),
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
