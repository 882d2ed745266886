"""API Gateway's place, locally: an RSGI application that calls the Lambda handlers.

`python -m local.serve` runs it on Granian. Each process has a bounded number of handlers at once
and a bounded queue before them: whoever finds no place, or waits too long, is told 503.
"""

from __future__ import annotations

import os
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from handlers.routes import ROUTES
from local.apigateway.body import UnreadableBodyError, read_body
from local.apigateway.event import proxy_event
from local.apigateway.incoming import Incoming
from local.apigateway.response import Response, bad_gateway, overloaded, problem, response
from local.apigateway.routing import Resource, RouteLike, RouteTable
from local.apigateway.tally_log import TallyLog
from local.apigateway.waiting_room import Bounds, ClientGoneError, OverloadedError, WaitingRoom
from local.apigateway.worker_process import heed_stop_once_running
from local.lambda_context import LambdaContext
from local.log_line import log_line

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Mapping

    from local.apigateway.incoming import Exchange, Scope

# API Gateway's limit of the time that an integration may take.
TIMEOUT_S = 29.0
# These look at nothing outside the process: they need no thread, and no queue delays them.
ANSWERED_AT_ONCE = frozenset({"/health"})


class Gateway:
    """The RSGI application over one route table."""

    def __init__(self, routes: Iterable[RouteLike], stage: str) -> None:
        self._table = RouteTable(routes)
        self._stage = stage
        self._waiting_room: WaitingRoom  # made where the event loop is known
        self._shed: TallyLog
        self._answered_at_once: TallyLog
        self.bounds = Bounds()

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Begin to serve on this event loop, within `bounds`."""
        self._waiting_room = WaitingRoom(loop, self.bounds)
        self._shed = TallyLog(loop, "WARNING", "too many requests: shed with 503")
        self._answered_at_once = TallyLog(loop, "INFO", "answered at once")
        heed_stop_once_running(loop)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Serve no more."""
        self._waiting_room.close()
        self._shed.write()
        self._answered_at_once.write()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        request_id = str(uuid4())
        try:
            answer = await self._answer(scope, exchange, request_id)
        except ClientGoneError:
            return
        except UnreadableBodyError as error:
            answer = problem(error.status, error.code, str(error), request_id)
        except OverloadedError:
            self._shed.count()
            answer = overloaded(request_id)
        headers = [*answer.headers, ("x-amzn-RequestId", request_id)]
        exchange.response_bytes(answer.status, headers, answer.body)

    async def _answer(self, scope: Scope, exchange: Exchange, request_id: str) -> Response:
        # Before any answer: a body that is left unread costs the client its connection.
        body = await read_body(scope.headers, exchange)
        match = self._table.match(scope.path)
        if match is None:
            detail = "There is nothing at this path."
            return problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", detail, request_id)
        resource, path_parameters = match
        route = resource.route(scope.method)
        if route is None:
            return _method_not_allowed(resource, request_id)
        if route.at_once and not body:
            refusal = self._at_once(route.at_once, scope, path_parameters, request_id)
            if refusal:
                return refusal

        def invoke() -> Response:
            event = proxy_event(
                Incoming.of(scope, body),
                resource=resource.path,
                path_parameters=path_parameters,
                request_id=request_id,
                stage=self._stage,
            )
            return _invoke(route, event)

        if resource.path in ANSWERED_AT_ONCE:
            return invoke()
        answer: Response = await self._waiting_room.call(invoke, exchange.client_disconnect)
        return answer

    def _at_once(
        self,
        refuse: Callable[[str, str, str], dict[str, Any] | None],
        scope: Scope,
        path_parameters: Mapping[str, str] | None,
        request_id: str,
    ) -> Response | None:
        """Return an answer that takes no thread, and so no place in the queue, if there is one."""
        headers = scope.headers.get_all("authorization")
        campaign_id = (path_parameters or {}).get("id", "")
        try:
            refusal = refuse(campaign_id, headers[-1] if headers else "", request_id)
            answer = response(refusal) if refusal else None
        except Exception as error:  # noqa: BLE001 - as in _invoke
            return _failed(error, refuse.__name__, request_id)
        if answer:
            self._answered_at_once.count(("path", scope.path), ("status", answer.status))
        return answer


def make_application(routes: Iterable[RouteLike]) -> Gateway:
    """Return the application over `routes`; a malformed table raises ValueError."""
    return Gateway(routes, stage=os.environ.get("STAGE") or "local")


def _invoke(route: RouteLike, event: dict[str, Any]) -> Response:
    name = getattr(route.handler, "__name__", "handler")
    context = LambdaContext(name, TIMEOUT_S)
    try:
        return response(route.handler(event, context))
    except Exception as error:  # noqa: BLE001 - as in Lambda, whatever a handler raises ends here
        return _failed(error, name, event["requestContext"]["requestId"], context.aws_request_id)


def _failed(error: Exception, name: str, request_id: str, aws_request_id: str = "") -> Response:
    log_line(
        "ERROR",
        "the handler failed",
        function=name,
        request_id=request_id,
        aws_request_id=aws_request_id,
        error=type(error).__name__,
        # The places, not the error's text: a driver's may quote what it was given.
        stack=traceback.format_tb(error.__traceback__),
    )
    return bad_gateway()


def _method_not_allowed(resource: Resource, request_id: str) -> Response:
    detail = f"This path answers to {resource.allow}."
    answer = problem(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail, request_id)
    answer.headers.append(("Allow", resource.allow))
    return answer


application = make_application(ROUTES)
