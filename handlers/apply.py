"""POST /campaigns/{id}/apply: decide in Redis, hand the admitted to Kafka, answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.domain.admission import Admission, Applicant, Outcome
from handlers.domain.coupon import CouponAccepted, OutgoingMessage
from handlers.domain.errors import (
    CampaignNotFoundError,
    StaleStateError,
    UnavailableError,
)
from handlers.domain.together import together
from handlers.edge.http.endpoint import way_of
from handlers.edge.http.response import json_response, problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.domain.together import Way
    from handlers.edge.http.endpoint import Event, Response
    from handlers.edge.http.request import Request

REFUSALS = {
    Outcome.SOLD_OUT: "All coupons of this campaign are gone.",
    Outcome.NOT_OPEN: "This campaign has not opened yet.",
    Outcome.CLOSED: "This campaign is over.",
    Outcome.TOO_MANY_REQUESTS: "Too many requests of yours or of your address; slow down.",
}


def apply_handler(event: Event, context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
    """Answer one applicant. Only an admitted one reaches Kafka."""
    [(_, response)] = apply_batch([event])
    return response


def apply_batch(events: Sequence[Event]) -> Iterator[tuple[int, Response]]:
    """Answer several at the price of one round trip to Redis, and of one hand-over to Kafka.

    Yields the place of each in `events` with its answer, as soon as it has one: whoever is refused
    does not wait for those who are handed over. For a server that has many to answer at once.
    """
    return together([_applied(event) for event in events])


def reject_from_cache(campaign_id: str, authorization: str, request_id: str) -> Response | None:
    """Answer as apply_handler would, where that asks nobody outside this process; else None.

    For a server that calls handlers in threads: after the last coupon nearly every answer comes
    from memory, and to hand it to a thread would cost more than the answer.
    """
    refusals = wiring.rejection_cache()
    if not refusals.has(campaign_id):
        return None
    user = wiring.authenticator().cached_user(authorization)
    admission = refusals.peek(campaign_id, user.id) if user else None
    return _refusal(admission, request_id) if admission else None


@way_of("apply_handler")
def _applied(request: Request) -> Way[Response]:
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id = request.campaign_id()
    admission = wiring.rejection_cache().get(campaign_id, user.id)
    if admission is None:
        applicant = Applicant(campaign_id, user.id, request.address())
        admission = yield from _admitted(applicant, request.request_id)
    request.log_fields["outcome"] = admission.outcome
    return _answer(request.request_id, campaign_id, user.id, admission)


def _admitted(applicant: Applicant, request_id: str) -> Way[Admission]:
    campaign_id, user_id, _ = applicant
    # Counted from before the decision: however long this process is held up in between.
    deadline = time.monotonic() + wiring.settings().kafka_ack_timeout_ms / 1000
    admission: Admission = yield _admit, applicant
    # Also for somebody who applied before: the earlier attempt may have been cut short, and this
    # answer promises no less than that one. Sending twice is harmless.
    if admission.is_pending:
        message = CouponAccepted(campaign_id, user_id, admission.serial, admission.admitted_at_ms)
        yield from _handed_over(OutgoingMessage(message, request_id, deadline))
    wiring.rejection_cache().refresh(campaign_id, admission.outcome)
    return admission


def _handed_over(outgoing: OutgoingMessage) -> Way[None]:
    """Go on once the admission can no longer be lost: Kafka has it, or Redis's disk.

    Otherwise UnavailableError, and the admission stays where it is: whether Kafka got it is
    unknown, so taking it back could give the coupon to two. It is pending in Redis and goes to
    Kafka again from there.
    """
    if (yield _publish, outgoing) or (yield _make_durable, outgoing.message):
        return
    detail = "Your place is kept but not yet safe; send the same request again."
    raise UnavailableError(detail)


def _admit(applicants: list[Applicant]) -> Sequence[Admission | UnavailableError]:
    return wiring.admissions().admit_all(applicants)


def _publish(outgoing_messages: list[OutgoingMessage]) -> Sequence[bool]:
    return wiring.publisher().publish_all(outgoing_messages)


def _make_durable(messages: list[CouponAccepted]) -> Sequence[bool]:
    return wiring.admissions().make_all_durable(messages)


def _answer(request_id: str, campaign_id: str, user_id: str, admission: Admission) -> Response:
    outcome = admission.outcome
    if outcome in (Outcome.ACCEPTED, Outcome.ALREADY_APPLIED):
        body = {
            "campaign_id": campaign_id,
            "user_id": user_id,
            "outcome": outcome,
            "serial": admission.serial,
        }
        return json_response(202 if outcome is Outcome.ACCEPTED else 200, body)
    if outcome is Outcome.NOT_FOUND:
        raise CampaignNotFoundError
    if outcome is Outcome.STALE:
        raise StaleStateError
    return _refusal(admission, request_id)


def _refusal(admission: Admission, request_id: str) -> Response:
    outcome = admission.outcome
    retry_in_s = -(-admission.retry_in_ms // 1000)  # rounded up: not a moment too early
    return problem(
        outcome,
        REFUSALS[outcome],
        request_id,
        retry_after_s=retry_in_s or None,
    )
