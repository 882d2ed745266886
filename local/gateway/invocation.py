"""Calls handlers as Lambda does: an event in, a response out, and never an exception."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from local.gateway.event import proxy_event
from local.gateway.response import Response, bad_gateway, http_response
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
    proxies: int = 0  # trusted ones that the request came through

    def event(self) -> dict[str, Any]:
        """Return the event for the handler."""
        return proxy_event(
            HttpRequest.of(self.scope, self.body, self.proxies),
            resource=self.route.path,
            path_parameters=self.path_parameters,
            request_id=self.request_id,
            stage=self.stage,
        )


def invoke(call: Call) -> Response:
    """Return the handler's response to one call."""
    name = getattr(call.route.handler, "__name__", "handler")
    context = LambdaContext(name, TIMEOUT_S)
    try:
        return http_response(call.route.handler(call.event(), context))
    except Exception as error:  # noqa: BLE001 - as in Lambda, an exception of a handler ends here
        return failed(error, name, call.request_id, context.aws_request_id)


def invoke_batch(calls: Sequence[Call]) -> Iterator[tuple[int, Response]]:
    """Yield the index of each call with its response; all calls have the same batch handler."""
    open_calls = dict(enumerate(calls))
    batch_handler = calls[0].route.batch_handler
    name = getattr(batch_handler, "__name__", "handler")
    try:
        assert batch_handler, "the route takes one call at a time"  # noqa: S101 - a bug of ours
        for index, output in batch_handler([call.event() for call in calls]):
            yield index, _response(output, name, open_calls.pop(index).request_id)
        assert not open_calls, "some calls got no response"  # noqa: S101 - as above
    except Exception as error:  # noqa: BLE001 - as above
        for index, call in open_calls.items():
            yield index, failed(error, name, call.request_id)


def _response(output: dict[str, Any], name: str, request_id: str) -> Response:
    try:
        return http_response(output)
    except Exception as error:  # noqa: BLE001 - as above; the other responses may be valid
        return failed(error, name, request_id)


def failed(error: Exception, function: str, request_id: str, aws_request_id: str = "") -> Response:
    """Log that a handler failed, and return the client's response."""
    log_event(
        "ERROR",
        "the handler failed",
        function=function,
        request_id=request_id,
        aws_request_id=aws_request_id,
        error=type(error).__name__,
        # The stack, not the error's text: a driver's text may quote its input.
        stack=traceback.format_tb(error.__traceback__),
    )
    return bad_gateway()
