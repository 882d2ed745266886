"""POST /campaigns/{id}/apply: decide in Redis, hand the admitted to Kafka, answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.admission import Admission, Outcome
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import (
    CampaignNotFoundError,
    StaleStateError,
    TooManyRequestsError,
    UnavailableError,
)
from handlers.edge.endpoint import endpoint
from handlers.edge.response import answer, problem

if TYPE_CHECKING:
    from handlers.edge.request import Request

REFUSALS = {
    Outcome.SOLD_OUT: "All coupons of this campaign are gone.",
    Outcome.NOT_OPEN: "This campaign has not opened yet.",
    Outcome.CLOSED: "This campaign is over.",
}


@endpoint
def apply_handler(request: Request) -> dict[str, Any]:
    """Answer one applicant. Only an admitted one reaches Kafka."""
    user = wiring.tokens().user(request.headers)
    campaign_id = request.campaign_id()
    admission = wiring.refusals().recall(campaign_id, user.id)
    if admission is None:
        admission = _admit(campaign_id, user.id, request.request_id)
    request.log_fields["outcome"] = admission.outcome
    return _answer(request.request_id, campaign_id, user.id, admission)


def refuse_at_once(campaign_id: str, authorization: str, request_id: str) -> dict[str, Any] | None:
    """Answer as apply_handler would, where that asks nobody outside this process; else None.

    For a server that calls handlers in threads: after the last coupon nearly every answer comes
    from memory, and to hand it to a thread would cost more than the answer.
    """
    refusals = wiring.refusals()
    if not refusals.remembers(campaign_id):
        return None
    user = wiring.tokens().user_at_once(authorization)
    admission = refusals.peek(campaign_id, user.id) if user else None
    return _refusal(admission, request_id) if admission else None


def _admit(campaign_id: str, user_id: str, request_id: str) -> Admission:
    if not wiring.throttle().allows(user_id):
        raise TooManyRequestsError
    # Counted from before the decision: however long this process is held up in between.
    until = time.monotonic() + wiring.settings().kafka_ack_timeout_ms / 1000
    admission = wiring.admissions().admit(campaign_id, user_id)
    # Also for somebody who applied before: the earlier attempt may have been cut short, and this
    # answer promises no less than that one. Sending twice is harmless.
    if admission.is_pending:
        message = CouponAccepted(campaign_id, user_id, admission.serial, admission.admitted_at_ms)
        _hand_over(message, request_id, until)
    wiring.refusals().learn(campaign_id, admission.outcome)
    return admission


def _hand_over(message: CouponAccepted, request_id: str, until: float) -> None:
    """Return once the admission can no longer be lost: Kafka has it, or Redis's disk.

    Otherwise UnavailableError, and the admission stays where it is: whether Kafka got it is
    unknown, so taking it back could give the coupon to two. It is pending in Redis and goes to
    Kafka again from there.
    """
    if wiring.publisher().publish(message, request_id, until):
        return
    if not wiring.admissions().make_durable(message.campaign_id, message.user_id, message.serial):
        detail = "Your place is kept but not yet safe; send the same request again."
        raise UnavailableError(detail)


def _answer(
    request_id: str, campaign_id: str, user_id: str, admission: Admission
) -> dict[str, Any]:
    outcome = admission.outcome
    if outcome in (Outcome.ACCEPTED, Outcome.ALREADY_APPLIED):
        body = {
            "campaign_id": campaign_id,
            "user_id": user_id,
            "outcome": outcome,
            "serial": admission.serial,
        }
        return answer(202 if outcome is Outcome.ACCEPTED else 200, body)
    if outcome is Outcome.NOT_FOUND:
        raise CampaignNotFoundError
    if outcome is Outcome.STALE:
        raise StaleStateError
    return _refusal(admission, request_id)


def _refusal(admission: Admission, request_id: str) -> dict[str, Any]:
    outcome = admission.outcome
    opens_in_s = -(-admission.opens_in_ms // 1000)  # rounded up: not a moment too early
    return problem(
        outcome,
        REFUSALS[outcome],
        request_id,
        retry_after_s=opens_in_s if outcome is Outcome.NOT_OPEN else None,
    )
