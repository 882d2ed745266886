"""What surrounds every HTTP handler: the request parsed, errors answered, one line logged."""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from handlers import log
from handlers.config import ConfigurationError
from handlers.domain.errors import (
    RETRY_AFTER_S,
    ServiceError,
    UnavailableError,
)
from handlers.domain.identifiers import is_campaign_id
from handlers.edge.http.request import Request, request_id_of
from handlers.edge.http.response import problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from handlers.domain.together import Way

Event = dict[str, Any]
Response = dict[str, Any]


def endpoint(use_case: Callable[[Request], Response]) -> Callable[[Event, Any], Response]:
    """Make a Lambda handler (event, context) of a function of the request."""
    name = use_case.__name__

    @wraps(use_case)
    def handler(event: Event, context: Any) -> Response:  # noqa: ARG001 - Lambda's signature
        with _Call(name, event) as call:
            call.response = use_case(call.request())
        return call.response

    return handler


def way_of(
    name: str,
) -> Callable[[Callable[[Request], Way[Response]]], Callable[[Event], Way[Response]]]:
    """Make a way from an event to its answer of one that takes the request; `name` is logged."""

    def decorate(use_case: Callable[[Request], Way[Response]]) -> Callable[[Event], Way[Response]]:
        @wraps(use_case)
        def way(event: Event) -> Way[Response]:
            with _Call(name, event) as call:
                call.response = yield from use_case(call.request())
            return call.response

        return way

    return decorate


class _Call:
    """One request: whatever is raised within the block becomes its answer."""

    response: Response

    def __init__(self, name: str, event: Event) -> None:
        self._started = time.perf_counter()
        self._name = name
        self._event = event
        self._id = request_id_of(event)
        campaign_id = (event.get("pathParameters") or {}).get("id")
        # What can be no campaign may be anything, a token in the wrong place or a megabyte.
        self._fields: dict[str, Any] = {
            "request_id": self._id,
            "campaign_id": campaign_id if is_campaign_id(campaign_id) else None,
        }

    def request(self) -> Request:
        """Return the request; raise ServiceError where it is malformed."""
        return Request.of(self._event, self._id, self._fields)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, Exception):
            self.response = self._answer(error)
        elif error is not None:
            return False  # the process ends, or nobody waits any more: no answer, no line
        fields = self._fields
        fields.setdefault("outcome", "OK")
        fields["status"] = self.response["statusCode"]
        fields["duration_ms"] = round((time.perf_counter() - self._started) * 1000, 3)
        log.info(self._name, fields)
        return True

    def _answer(self, error: Exception) -> Response:
        """Answer a request that failed; to be called while the exception is being handled."""
        if isinstance(error, ServiceError):
            self._fields["outcome"] = error.code
            if error.__cause__:
                self._fields["cause"] = type(error.__cause__).__name__
            retry_after_s = RETRY_AFTER_S if isinstance(error, UnavailableError) else None
            return problem(error.code, str(error), self._id, retry_after_s=retry_after_s)
        self._fields["outcome"] = "INTERNAL"
        if isinstance(error, ConfigurationError):
            log.error(f"{self._name}: {error}", self._fields)
            return problem("INTERNAL", "The service is set up wrongly.", self._id)
        # A fault of ours: the caller is told no inside, the log the place.
        log.exception(self._name, self._fields)
        return problem("INTERNAL", "Something went wrong on our side.", self._id)
