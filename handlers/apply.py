"""POST /campaigns/{id}/apply: decide in Redis, hand the admitted to Kafka, respond.

A batch of requests goes through four phases: authenticate, admit, publish, write. Each phase
yields the responses that it knows, with their index, and returns the applications that go on. What
it returns has a type of its own, so the type checker refuses phases in a wrong order.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from handlers import log, wiring
from handlers.domain.admission import Admission, Applicant, Outcome
from handlers.domain.coupon import CouponAccepted, OutgoingMessage
from handlers.domain.errors import UnavailableError
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.http.admission import admission_response, cached_rejection
from handlers.edge.http.endpoint import Event, RequestScope, Response
from handlers.tracing.asking import ask
from handlers.tracing.current import now_ns
from handlers.tracing.request import note, record_group
from handlers.tracing.span import ADMIT, CONFIRM, SETTLE, WRITE

if TYPE_CHECKING:
    from handlers.domain.screening import Claimant

T = TypeVar("T")

_Phase = Generator[tuple[int, Response], None, list[T]]

NOT_YET_SAFE = "Your place is kept but not yet safe; send the same request again."


def apply_handler(event: Event, context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
    """Respond to one applicant. Only an admitted one reaches Kafka."""
    [(_, response)] = apply_batch([event])
    return response


def apply_batch(events: Sequence[Event]) -> Iterator[tuple[int, Response]]:
    """Respond to several applicants with one round trip to Redis and one hand-over to Kafka.

    Yields the index of each event with its response as soon as the response is known: a rejected
    applicant does not wait for those who are handed over.
    """
    applications = yield from _authenticate(events)
    if not applications:
        return
    admitted = yield from _admit(applications)
    if not admitted:
        return
    unsafe = yield from _publish(admitted)
    if unsafe:
        yield from _write(unsafe)


def reject_from_cache(campaign_id: str, authorization: str, request_id: str) -> Response | None:
    """Respond as apply_handler would, if the cache is enough; else return None. No I/O.

    For a server that calls handlers in threads: after the last coupon nearly every response comes
    from the cache, and handing the request to a thread would cost more than the response.
    """
    cache = wiring.rejection_cache()
    if not cache.has(campaign_id):
        return None
    user = wiring.authenticator().cached_user(authorization)
    admission = cache.peek(campaign_id, user.id) if user else None
    return cached_rejection(request_id, campaign_id, admission) if admission else None


@dataclass(slots=True)
class _Application:
    """A well-formed request of an authenticated user.

    index: its index in the batch.
    cached: the rejection from the cache, None if Redis must decide.
    deadline: time.monotonic() after which Kafka's acknowledgement counts for nothing.
    user, solution, refusal: for the rules of the campaign (handlers/domain/screening.py).
    """

    index: int
    scope: RequestScope
    applicant: Applicant
    cached: Admission | None = None
    deadline: float = 0.0
    user: Claimant | None = None
    solution: str = ""
    refusal: Exception | None = None


@dataclass(slots=True)
class _Admitted:
    """An application that has a serial, and whose message Kafka must get."""

    application: _Application
    admission: Admission
    outgoing: OutgoingMessage


@dataclass(slots=True)
class _Unsafe:
    """An admitted application that a rebuild of Redis may not find in Kafka."""

    admitted: _Admitted


def _authenticate(events: Sequence[Event]) -> _Phase[_Application]:
    """Authenticate each applicant; respond if the cache is enough or the request is bad."""
    applications: list[_Application] = []
    for index, event in enumerate(events):
        scope = RequestScope("apply_handler", event)
        try:
            application = _application(index, scope)
        except Exception as error:  # noqa: BLE001 - the scope turns it into a response
            response = scope.fail(error)
        else:
            if application.cached is None:
                applications.append(application)
                continue
            response = _respond(application, application.cached)
        yield index, response
    return applications


def _application(index: int, scope: RequestScope) -> _Application:
    request = scope.request()
    user = wiring.authenticator().authenticate(request.headers)
    campaign_id = request.campaign_id()
    if (cached := wiring.rejection_cache().get(campaign_id, user.id)) is not None:
        return _Application(index, scope, Applicant(campaign_id, user.id), cached)
    applicant = Applicant(campaign_id, user.id, request.address())
    # Counted from before the decision, however long this process pauses in between.
    deadline = time.monotonic() + wiring.settings().kafka_ack_timeout_ms / 1000
    solution = request.headers.get("challenge-solution", "")
    return _Application(index, scope, applicant, None, deadline, user, solution)


def _admit(applications: list[_Application]) -> _Phase[_Admitted]:
    """Let Redis decide about all in one round trip; respond unless Kafka must get a message."""
    admitted: list[_Admitted] = []
    replies = ask(_decide, applications, ADMIT, (one.scope.trace for one in applications))
    for application, admission in zip(applications, replies, strict=True):
        if isinstance(admission, Exception):
            yield application.index, application.scope.fail(admission)
        # Also for an applicant who applied before: the earlier attempt may have been interrupted,
        # and this response promises no less than that one. Sending twice is harmless.
        elif admission.is_pending:
            outgoing = _publication(application, admission)
            admitted.append(_Admitted(application, admission, outgoing))
        else:
            yield application.index, _respond(application, admission)
    record_group(one.scope.trace for one in applications)
    return admitted


def _publication(application: _Application, admission: Admission) -> OutgoingMessage:
    campaign_id, user_id, *_ = application.applicant
    serial, admitted_at_ms, fence = admission.serial, admission.admitted_at_ms, admission.fence
    message = CouponAccepted(campaign_id, user_id, serial, admitted_at_ms, fence)
    scope, traceparent = application.scope, ""
    if scope.trace is not None:
        is_first = admission.outcome is Outcome.ACCEPTED
        traceparent = scope.trace.admitted(campaign_id, serial, admitted_at_ms, is_first=is_first)
    return OutgoingMessage(message, scope.request_id, application.deadline, traceparent)


def _publish(admitted: list[_Admitted]) -> _Phase[_Unsafe]:
    """Hand all over to Kafka at once; respond to those whom a rebuild of Redis cannot miss.

    A rebuild that begins after the confirmation finds the record in the topic. Where one has begun
    before, the record may have come too late for it.
    """
    traces = (one.application.scope.trace for one in admitted)
    acknowledged = ask(_hand_over, [one.outgoing for one in admitted], None, traces)
    replies = zip(admitted, acknowledged, strict=True)
    published = [one for one, reply in replies if reply is True]
    traces = (one.application.scope.trace for one in published)
    confirmed = iter(ask(_confirm, [one.outgoing for one in published], CONFIRM, traces))
    unsafe: list[_Unsafe] = []
    for one, is_acknowledged in zip(admitted, acknowledged, strict=True):
        reply = next(confirmed) if is_acknowledged is True else is_acknowledged
        application = one.application
        if isinstance(reply, Exception) and not isinstance(reply, UnavailableError):
            yield application.index, application.scope.fail(reply)
        elif reply is True:
            yield application.index, _respond(application, one.admission)
        else:
            unsafe.append(_Unsafe(one))
    return unsafe


def _write(unsafe: list[_Unsafe]) -> Iterator[tuple[int, Response]]:
    """Write the coupons to MySQL in place of the consumer; respond to the rest of the batch.

    MySQL takes a row only under the fence that admitted the user. An admission that is in neither
    server is not taken back: Kafka may have it, so a second user could get the same coupon. It
    stays pending in Redis, and the relay sends it again.
    """
    traces = (one.admitted.application.scope.trace for one in unsafe)
    replies = ask(_write_rows, [one.admitted.outgoing.message for one in unsafe], WRITE, traces)
    _settle([one for one, reply in zip(unsafe, replies, strict=True) if reply is True])
    for one, is_written in zip(unsafe, replies, strict=True):
        application = one.admitted.application
        if isinstance(is_written, Exception):
            response = application.scope.fail(is_written)
        elif is_written:
            response = _respond(application, one.admitted.admission)
        else:
            response = application.scope.fail(UnavailableError(NOT_YET_SAFE))
        yield application.index, response


def _decide(applications: list[_Application]) -> Sequence[Admission | Exception]:
    return wiring.screener().decide(applications)


def _hand_over(outgoing_messages: list[OutgoingMessage]) -> Sequence[bool]:
    return wiring.publisher().publish_all(outgoing_messages)


def _confirm(published: list[OutgoingMessage]) -> Sequence[bool]:
    # The first was authenticated first, so its deadline is the earliest.
    deadline = published[0].deadline if published else 0.0
    return wiring.admissions().confirm_all([one.message for one in published], deadline)


def _write_rows(messages: list[CouponAccepted]) -> Sequence[bool]:
    return wiring.direct_writer().write_all(messages)


def _settle(written: Sequence[_Unsafe]) -> None:
    """Let the relay not send what MySQL has; without Redis it does, which is harmless."""
    begun_ns = now_ns()
    coupons = [one.admitted.outgoing.message for one in written]
    settlements = [Settlement(*coupon[:3], SettledAs.COUPON) for coupon in coupons]
    try:
        wiring.admissions().settle(settlements)
    except UnavailableError:
        log.exception("written but not settled", {"coupons": len(settlements)})
    note(SETTLE, (one.admitted.application.scope.trace for one in written), coupons, begun_ns)


def _respond(application: _Application, admission: Admission) -> Response:
    """Return the response to a decided application; log its line."""
    scope = application.scope
    campaign_id, user_id, *_ = application.applicant
    try:
        if application.cached is None:
            wiring.rejection_cache().refresh(campaign_id, admission.outcome)
        scope.log_fields["outcome"] = admission.outcome
        response = admission_response(scope.request_id, campaign_id, user_id, admission)
    except Exception as error:  # noqa: BLE001 - the scope turns it into a response
        return scope.fail(error)
    return scope.finish(response)
