"""What applicants call: apply, the challenge, their own coupon."""

from __future__ import annotations

from handlers.api import values
from handlers.api.operation import Answer, Caller, Group, Operation, Schema, header, record, ref
from handlers.domain.challenge import ALGORITHM, SOLUTION_LENGTH_MAX
from handlers.domain.coupon_state import UNUSABLE
from handlers.domain.errors import GivenBackTooOftenError, PlacesExhaustedError
from handlers.domain.rules import DIFFICULTY_MAX, DIFFICULTY_MIN

TAG = "Applying"
HEX_256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

SCHEMAS: dict[str, Schema] = {
    "Application": record(
        "An accepted application.",
        {
            "campaign_id": values.CAMPAIGN,
            "user_id": values.USER,
            "outcome": {
                "type": "string",
                "enum": ["ACCEPTED", "ALREADY_APPLIED"],
                "description": "ALREADY_APPLIED: this user was accepted by an earlier call.",
            },
            "serial": values.SERIAL,
        },
    ),
    "Challenge": record(
        "Work for the applicant's browser, in the form of ALTCHA's first protocol: find the number "
        "whose SHA-256 behind the salt is `challenge`. Good for 15 minutes.",
        {
            "algorithm": {"type": "string", "const": ALGORITHM},
            "challenge": HEX_256 | {"description": "The hash to find, in hexadecimal."},
            "maxnumber": {
                "type": "integer",
                "minimum": DIFFICULTY_MIN,
                "maximum": DIFFICULTY_MAX,
                "description": "The number is not above this.",
            },
            "salt": {
                "type": "string",
                "pattern": r"^[0-9a-f]{24}\?expires=[1-9][0-9]{0,11}&$",
                "description": "What the number is written behind.",
            },
            "signature": HEX_256 | {"description": "Goes back unchanged with the solution."},
        },
    ),
    "OwnCoupon": record(
        "The state of the caller's own coupon.",
        {
            "status": {
                "type": "string",
                "enum": ["PENDING", "ISSUED", "FAILED"],
                "description": "PENDING: accepted, and on its way into the database. FAILED: it "
                "could not be written; the service tries again, and operators see it.",
            },
            "serial": values.SERIAL,
            "code": values.nullable(values.CODE, "Null until it is issued."),
            "admitted_at": values.nullable(
                values.TIME, "When the user was accepted; null where that is not known any more."
            ),
            "issued_at": values.nullable(values.TIME, "Null until it is issued."),
            "state": values.nullable(values.STATE, "Null until it is issued."),
            "benefit": values.BENEFIT_OR_NULL,
            "usable_from": values.USABLE_FROM,
            "usable_until": values.USABLE_UNTIL,
        },
    ),
    "GivenBack": record(
        "A coupon that its user has given back.",
        {
            "campaign_id": values.CAMPAIGN,
            "serial": values.SERIAL,
            "state": values.STATE,
            "benefit": values.BENEFIT_OR_NULL,
            "usable_from": values.USABLE_FROM,
            "usable_until": values.USABLE_UNTIL,
        },
    ),
}

APPLICATION = {"campaign_id": "welcome", "user_id": "42", "outcome": "ACCEPTED", "serial": 7}
CHALLENGE = {
    "algorithm": ALGORITHM,
    "challenge": "0e2c35f8c9a4d14cfbb0c2d5b02b2f9dc74f4f0b3bd0e0ef0f7d5c4f86ad2f15",
    "maxnumber": 100_000,
    "salt": "3d1f0a9c4be2778f5a6c01de?expires=1795399200&",
    "signature": "7d7a4a5df58a1cb0d6e64a1a1e1c2e1f8f2a4d3e8c0b9b6a5f4e3d2c1b0a9f8e",
}
ISSUED = {
    "status": "ISSUED",
    "serial": 7,
    "code": "4TB0S5XKQ9H2M7ZC",
    "admitted_at": "2026-11-22T03:00:00.041Z",
    "issued_at": "2026-11-22T03:00:00.097Z",
    "state": "ISSUED",
    "benefit": {"kind": "percent", "value": 10},
    "usable_from": None,
    "usable_until": "2026-12-22T03:00:00.041Z",
}
NOT_YET = dict.fromkeys(("code", "issued_at", "state", "benefit", "usable_from", "usable_until"))
PENDING = ISSUED | {"status": "PENDING"} | NOT_YET
GIVEN_BACK = {
    "campaign_id": "welcome",
    "serial": 7,
    "state": "REVOKED",
    "benefit": {"kind": "percent", "value": 10},
    "usable_from": None,
    "usable_until": "2026-12-22T03:00:00.041Z",
}

OPERATIONS: dict[str, Operation] = {
    "POST /campaigns/{id}/apply": Operation(
        id="apply",
        tag=TAG,
        summary="Apply for a coupon",
        description=(
            "First come, first served: the serial is the order in which the users were accepted. "
            "An accepted application is durable when the response is sent. The call may be "
            "repeated at any time: a user has at most one coupon of a campaign, and gets the same "
            "serial again. With `UNAVAILABLE` the place may be kept already; send the same request "
            "again."
        ),
        caller=Caller.USER,
        parameters=[
            header(
                "Challenge-Solution",
                "Where the campaign asks for a challenge: its solution, base64 of a JSON object "
                "with `algorithm`, `challenge`, `number`, `salt` and `signature`, of at most "
                f"{SOLUTION_LENGTH_MAX} characters. Not read where it asks for none.",
                {"type": "string"},
            )
        ],
        answers={
            202: Answer("Accepted.", ref("Application"), {"accepted": APPLICATION}),
            200: Answer(
                "Accepted by an earlier call.",
                ref("Application"),
                {"again": APPLICATION | {"outcome": "ALREADY_APPLIED"}},
            ),
        },
        problems=(
            "CAMPAIGN_NOT_FOUND",
            "SOLD_OUT",
            "NOT_OPEN",
            "NEXT_RELEASE",
            "PAUSED",
            "CLOSED",
            "TOO_MANY_REQUESTS",
            "NOT_ELIGIBLE",
            "CHALLENGE_REQUIRED",
            "CHALLENGE_FAILED",
        ),
    ),
    "GET /campaigns/{id}/challenge": Operation(
        id="getChallenge",
        tag=TAG,
        summary="Fetch the challenge of a campaign",
        description="For this user and this campaign. Nothing of it is stored.",
        caller=Caller.USER,
        answers={200: Answer("A new challenge.", ref("Challenge"), {"challenge": CHALLENGE})},
        problems=("CAMPAIGN_NOT_FOUND", "NO_CHALLENGE"),
    ),
    "GET /campaigns/{id}/coupon": Operation(
        id="getMyCoupon",
        tag=TAG,
        summary="Read one's own coupon",
        description=(
            "While the database does not respond, every accepted application is shown as PENDING."
        ),
        caller=Caller.USER,
        answers={
            200: Answer(
                "The state of the coupon.",
                ref("OwnCoupon"),
                {"issued": ISSUED, "pending": PENDING},
            )
        },
        problems=("CAMPAIGN_NOT_FOUND", "NOT_APPLIED"),
    ),
    "DELETE /campaigns/{id}/coupon": Operation(
        id="giveCouponBack",
        tag=TAG,
        summary="Give one's own coupon back",
        description=(
            "One that is neither reserved nor used. Its place goes to another applicant within "
            "seconds, under a new serial, and the user may apply again. May be repeated. "
            "`UNAVAILABLE` also where the coupon is not written yet."
        ),
        caller=Caller.USER,
        answers={
            200: Answer("It is given back.", ref("GivenBack"), {"given back": GIVEN_BACK}),
        },
        problems=(
            "CAMPAIGN_NOT_FOUND",
            "NOT_APPLIED",
            *(error.code for error in UNUSABLE.values()),
            "TOO_MANY_REQUESTS",
        ),
        final={
            "TOO_MANY_REQUESTS": f"{GivenBackTooOftenError.__doc__} "
            f"Or: {PlacesExhaustedError.__doc__}"
        },
    ),
}

GROUP = Group(TAG, "What applicants call.", OPERATIONS, SCHEMAS)
