"""POST /campaigns/{id}/apply: decide in Redis, hand the admitted to Kafka, respond.

A batch of requests goes through four phases: authenticate, admit, publish, make durable. Each phase
yields the responses that it knows, with their index, and returns the applications that go on. What
it returns has a type of its own, so the type checker refuses phases in a wrong order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from handlers import wiring
from handlers.domain.admission import Admission, Applicant, Outcome
from handlers.domain.coupon import CouponAccepted, OutgoingMessage
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.edge.http.endpoint import Event, RequestScope, Response
from handlers.edge.http.response import json_response, problem

T = TypeVar("T")
Question = TypeVar("Question")
Reply = TypeVar("Reply")

_Phase = Generator[tuple[int, Response], None, list[T]]

REFUSALS = {
    Outcome.SOLD_OUT: "All coupons of this campaign are gone.",
    Outcome.NOT_OPEN: "This campaign has not opened yet.",
    Outcome.CLOSED: "This campaign is over.",
    Outcome.TOO_MANY_REQUESTS: "Too many requests of yours or of your address; slow down.",
}
NOT_YET_SAFE = "Your place is kept but not yet safe; send the same request again."


def apply_handler(event: Event, context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
    """Respond to one applicant. Only an admitted one reaches Kafka."""
    [(_, response)] = apply_batch([event])
    return response


def apply_batch(events: Sequence[Event]) -> Iterator[tuple[int, Response]]:
    """Respond to several at the price of one round trip to Redis, and of one hand-over to Kafka.

    Yields the index of each in `events` with its response, as soon as that is known: a refused
    applicant does not wait for those who are handed over.
    """
    applications = yield from _authenticate(events)
    if not applications:
        return
    admitted = yield from _admit(applications)
    if not admitted:
        return
    unpublished = yield from _publish(admitted)
    if unpublished:
        yield from _make_durable(unpublished)


def reject_from_cache(campaign_id: str, authorization: str, request_id: str) -> Response | None:
    """Respond as apply_handler would, where this process knows enough by itself; else None.

    For a server that calls handlers in threads: after the last coupon nearly every response comes
    from memory, and to hand the request to a thread would cost more than the response.
    """
    refusals = wiring.rejection_cache()
    if not refusals.has(campaign_id):
        return None
    user = wiring.authenticator().cached_user(authorization)
    admission = refusals.peek(campaign_id, user.id) if user else None
    return _refusal(admission, request_id) if admission else None


@dataclass(slots=True)
class _Application:
    """A sound request of a known user.

    index: its place in the batch.
    remembered: how this process refuses the applicant without asking Redis.
    deadline: time.monotonic() after which Kafka's acknowledgement counts for nothing.
    """

    index: int
    scope: RequestScope
    applicant: Applicant
    remembered: Admission | None = None
    deadline: float = 0.0


@dataclass(slots=True)
class _Admitted:
    """An application that has a serial, and whose message Kafka must get."""

    application: _Application
    admission: Admission
    outgoing: OutgoingMessage


@dataclass(slots=True)
class _Unpublished:
    """An admitted application whose message Kafka is not known to hold."""

    admitted: _Admitted


def _authenticate(events: Sequence[Event]) -> _Phase[_Application]:
    """Find out who applies, and where; respond where memory is enough, or the request is bad."""
    applications: list[_Application] = []
    for index, event in enumerate(events):
        scope = RequestScope("apply_handler", event)
        try:
            application = _application(index, scope)
        except Exception as error:  # noqa: BLE001 - the scope makes a response of it
            response = scope.fail(error)
        else:
            if application.remembered is None:
                applications.append(application)
                continue
            response = _respond(application, application.remembered)
        yield index, response
    return applications


def _application(index: int, scope: RequestScope) -> _Application:
    request = scope.request()
    user_id = wiring.authenticator().authenticate(request.headers).id
    campaign_id = request.campaign_id()
    remembered = wiring.rejection_cache().get(campaign_id, user_id)
    if remembered is not None:
        return _Application(index, scope, Applicant(campaign_id, user_id), remembered)
    applicant = Applicant(campaign_id, user_id, request.address())
    # Counted from before the decision: however long this process is held up in between.
    deadline = time.monotonic() + wiring.settings().kafka_ack_timeout_ms / 1000
    return _Application(index, scope, applicant, None, deadline)


def _admit(applications: list[_Application]) -> _Phase[_Admitted]:
    """Let Redis decide about all in one round trip; respond to those with no message for Kafka."""
    admitted: list[_Admitted] = []
    replies = _ask(_decide, [application.applicant for application in applications])
    for application, admission in zip(applications, replies, strict=True):
        if isinstance(admission, Exception):
            yield application.index, application.scope.fail(admission)
        # Also for an applicant who applied before: the earlier attempt may have been cut short, and
        # this response promises no less than that one. Sending twice is harmless.
        elif admission.is_pending:
            outgoing = _publication(application, admission)
            admitted.append(_Admitted(application, admission, outgoing))
        else:
            yield application.index, _respond(application, admission)
    return admitted


def _publication(application: _Application, admission: Admission) -> OutgoingMessage:
    campaign_id, user_id, _ = application.applicant
    message = CouponAccepted(campaign_id, user_id, admission.serial, admission.admitted_at_ms)
    return OutgoingMessage(message, application.scope.request_id, application.deadline)


def _publish(admitted: list[_Admitted]) -> _Phase[_Unpublished]:
    """Hand all over to Kafka at once; respond to those whose admission Kafka holds."""
    unpublished: list[_Unpublished] = []
    replies = _ask(_hand_over, [one.outgoing for one in admitted])
    for one, is_held in zip(admitted, replies, strict=True):
        application = one.application
        if isinstance(is_held, Exception):
            yield application.index, application.scope.fail(is_held)
        elif is_held:
            yield application.index, _respond(application, one.admission)
        else:
            unpublished.append(_Unpublished(one))
    return unpublished


def _make_durable(unpublished: list[_Unpublished]) -> Iterator[tuple[int, Response]]:
    """Wait for Redis's disk in place of Kafka, once for all, and respond to the rest of the batch.

    An admission that neither holds stays where it is: whether Kafka got it is unknown, so taking it
    back could give the coupon to two. It is pending in Redis and goes to Kafka again from there.
    """
    replies = _ask(_wait_for_disk, [one.admitted.outgoing.message for one in unpublished])
    for one, is_kept in zip(unpublished, replies, strict=True):
        application = one.admitted.application
        if isinstance(is_kept, Exception):
            response = application.scope.fail(is_kept)
        elif is_kept:
            response = _respond(application, one.admitted.admission)
        else:
            response = application.scope.fail(UnavailableError(NOT_YET_SAFE))
        yield application.index, response


def _ask(
    server: Callable[[list[Question]], Sequence[Reply]], questions: list[Question]
) -> Sequence[Reply | Exception]:
    """Return a server's reply to each question; what is raised is the reply to all of them."""
    try:
        replies = server(questions)
    except Exception as error:  # noqa: BLE001 - the scope of each request makes a response of it
        return [error] * len(questions)
    if len(replies) != len(questions):
        # Before any of them is used: one too few, and an applicant could get another's serial.
        message = f"{len(replies)} replies to {len(questions)} questions"
        raise ValueError(message)
    return replies


def _decide(applicants: list[Applicant]) -> Sequence[Admission | UnavailableError]:
    return wiring.admissions().admit_all(applicants)


def _hand_over(outgoing_messages: list[OutgoingMessage]) -> Sequence[bool]:
    return wiring.publisher().publish_all(outgoing_messages)


def _wait_for_disk(messages: list[CouponAccepted]) -> Sequence[bool]:
    return wiring.admissions().make_all_durable(messages)


def _respond(application: _Application, admission: Admission) -> Response:
    """Return the response to an application that is decided; log its line."""
    scope = application.scope
    campaign_id, user_id, _ = application.applicant
    try:
        if application.remembered is None:
            wiring.rejection_cache().refresh(campaign_id, admission.outcome)
        scope.log_fields["outcome"] = admission.outcome
        response = _answer(scope.request_id, campaign_id, user_id, admission)
    except Exception as error:  # noqa: BLE001 - the scope makes a response of it
        return scope.fail(error)
    return scope.finish(response)


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
    return problem(outcome, REFUSALS[outcome], request_id, retry_after_s=retry_in_s or None)
