"""Calling handlers as Lambda calls them: an event in, an answer out, and no exception."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from local.gateway.event import proxy_event
from local.gateway.response import Response, bad_gateway, response
from local.gateway.rsgi import HttpRequest
from local.json_log import log_event
from local.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from local.gateway.routing import RouteLike
    from local.gateway.rsgi import Scope

# API Gateway's limit of the time that an integration may take.
TIMEOUT_S = 29.0


class Call(NamedTuple):
    """A request whose handler is known."""

    route: RouteLike
    path_parameters: Mapping[str, str] | None
    scope: Scope
    body: bytes
    request_id: str
    stage: str

    def event(self) -> dict[str, Any]:
        """Return what the handler is called with."""
        return proxy_event(
            HttpRequest.of(self.scope, self.body),
            resource=self.route.path,
            path_parameters=self.path_parameters,
            request_id=self.request_id,
            stage=self.stage,
        )


def invoke(call: Call) -> Response:
    """Return what the handler answers to one call."""
    name = getattr(call.route.handler, "__name__", "handler")
    context = LambdaContext(name, TIMEOUT_S)
    try:
        return response(call.route.handler(call.event(), context))
    except Exception as error:  # noqa: BLE001 - as in Lambda, whatever a handler raises ends here
        return failed(error, name, call.request_id, context.aws_request_id)


def invoke_batch(calls: Sequence[Call]) -> Iterator[tuple[int, Response]]:
    """Yield the place of each call with its answer; all are of one route, which takes several."""
    unanswered = dict(enumerate(calls))
    answer_all = calls[0].route.together
    name = getattr(answer_all, "__name__", "handler")
    try:
        assert answer_all, "the route takes one call at a time"  # noqa: S101 - a fault of ours
        for place, response_ in answer_all([call.event() for call in calls]):
            yield place, _response(response_, name, unanswered.pop(place).request_id)
        assert not unanswered, "some were given no answer"  # noqa: S101 - as above
    except Exception as error:  # noqa: BLE001 - as above
        for place, call in unanswered.items():
            yield place, failed(error, name, call.request_id)


def _response(response_: dict[str, Any], name: str, request_id: str) -> Response:
    try:
        return response(response_)
    except Exception as error:  # noqa: BLE001 - as above; the others' answers may be sound
        return failed(error, name, request_id)


def failed(error: Exception, function: str, request_id: str, aws_request_id: str = "") -> Response:
    """Log that a handler failed, and return what the client is told."""
    log_event(
        "ERROR",
        "the handler failed",
        function=function,
        request_id=request_id,
        aws_request_id=aws_request_id,
        error=type(error).__name__,
        # The places, not the error's text: a driver's may quote what it was given.
        stack=traceback.format_tb(error.__traceback__),
    )
    return bad_gateway()
