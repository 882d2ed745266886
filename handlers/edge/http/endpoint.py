"""The frame of every HTTP handler: it parses the request, turns errors into responses, logs."""

from __future__ import annotations

import time
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from handlers import log
from handlers.config import ConfigurationError
from handlers.domain import metrics
from handlers.domain.errors import (
    RETRY_AFTER_S,
    ServiceError,
    UnavailableError,
)
from handlers.domain.identifiers import is_campaign_id
from handlers.domain.metric import COUNTING
from handlers.edge.http.request import Request, request_id_of
from handlers.edge.http.request_log import REQUESTS
from handlers.edge.http.response import problem
from handlers.tracing import current
from handlers.tracing.request import RequestTrace

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]
Response = dict[str, Any]

INTERNAL = "INTERNAL"
READING = ("GET", "HEAD")


def endpoint(use_case: Callable[[Request], Response]) -> Callable[[Event, Any], Response]:
    """Turn a function of the request into a Lambda handler (event, context)."""
    name = use_case.__name__

    @wraps(use_case)
    def handler(event: Event, context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
        scope = RequestScope(name, event)
        try:
            response = use_case(scope.request())
        except Exception as error:  # noqa: BLE001 - the scope turns it into a response
            return scope.fail(error)
        return scope.finish(response)

    return handler


class RequestScope:
    """One request, from its event to its response, and its line in the log.

    A BaseException that is not an Exception passes by: the process ends or the client has
    disconnected, so there is neither a response nor a line.
    """

    __slots__ = ("_event", "_name", "_started", "log_fields", "request_id", "trace")

    def __init__(self, name: str, event: Event) -> None:
        self._started = time.perf_counter()
        self._name = name
        self._event = event
        self.request_id = request_id_of(event)
        recorder = current.recorder
        self.trace = None if recorder is None else RequestTrace(recorder)
        campaign_id = (event.get("pathParameters") or {}).get("id")
        # Text that is not a campaign id may be a token in the wrong place, or a megabyte.
        self.log_fields: dict[str, Any] = {
            "request_id": self.request_id,
            "campaign_id": campaign_id if is_campaign_id(campaign_id) else None,
        }

    def request(self) -> Request:
        """Return the request; raise ServiceError if it is malformed."""
        return Request.of(self._event, self.request_id, self.log_fields)

    def finish(self, response: Response) -> Response:
        """Log the request's line, or count it; return its response."""
        fields = self.log_fields
        outcome = fields.setdefault("outcome", "OK")
        status = fields["status"] = response["statusCode"]
        fields["duration_ms"] = round((time.perf_counter() - self._started) * 1000, 3)
        # A reader changes nothing, and who is refused gets nothing. A fault of ours is no refusal.
        is_noise = outcome != INTERNAL if status >= HTTPStatus.BAD_REQUEST else self._only_reads()
        REQUESTS.write(self._name, fields, is_noise=is_noise)
        if self.trace is not None:
            self.trace.finish(self._event, fields, self._started)
        if COUNTING.is_on:
            event = self._event
            called = event.get("httpMethod") or "", event.get("resource") or ""
            metrics.REQUESTS.inc((*called, str(outcome)))
        return response

    def _only_reads(self) -> bool:
        return self._event.get("httpMethod") in READING

    def fail(self, error: Exception) -> Response:
        """Log the line of a failed request; return its response."""
        return self.finish(self._problem(error))

    def _problem(self, error: Exception) -> Response:
        if isinstance(error, ServiceError):
            self.log_fields["outcome"] = error.code
            if error.__cause__:
                self.log_fields["cause"] = type(error.__cause__).__name__
            retry_after_s = None
            if isinstance(error, UnavailableError):
                self.log_fields["detail"] = str(error)
                retry_after_s = RETRY_AFTER_S
            return problem(error.code, str(error), self.request_id, retry_after_s=retry_after_s)
        self.log_fields["outcome"] = INTERNAL
        if isinstance(error, ConfigurationError):
            log.error(f"{self._name}: {error}", self.log_fields)
            return problem(INTERNAL, "The service is set up wrongly.", self.request_id)
        # A fault of ours: the log gets the stack, the client gets no detail.
        log.exception(self._name, self.log_fields, error)
        return problem(INTERNAL, "Something went wrong on our side.", self.request_id)
