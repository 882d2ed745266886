"""Privacy: a user is erased everywhere."""

from __future__ import annotations

from handlers.api.operation import Answer, Caller, Group, Operation
from handlers.domain.errors import ErasureWaitsError

TAG = "Privacy"

OPERATIONS: dict[str, Operation] = {
    "DELETE /users/{user_id}": Operation(
        id="eraseUser",
        tag=TAG,
        summary="Erase a user everywhere",
        description=(
            "The user's coupons stay, with their codes, and belong to a pseudonym. In a campaign "
            "that is still open the user gets no second coupon. May be repeated, also for a user "
            "who is not known: after an error, the same request goes on with what is left."
        ),
        caller=Caller.PRIVACY,
        answers={204: Answer("No store has the id any more. No body.")},
        problems=("INVALID_REQUEST", ErasureWaitsError.code),
    ),
}

GROUP = Group(TAG, "What a person may ask for.", OPERATIONS, {})
