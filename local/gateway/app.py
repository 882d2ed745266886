"""API Gateway's place, locally: an RSGI application that calls the Lambda handlers.

`python -m local.serve` runs it on Granian. Each process has a bounded number of handlers at once
and a bounded queue before them: whoever finds no place, or waits too long, is told 503.
"""

from __future__ import annotations

import os
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from handlers.routes import ROUTES
from local.gateway.aggregated_log import AggregatedLog
from local.gateway.body import UnreadableBodyError, is_announced, read_body
from local.gateway.executor import (
    ClientDisconnectedError,
    ExecutorLimits,
    LoadSheddingExecutor,
    OverloadedError,
)
from local.gateway.invocation import Call, failed, invoke, invoke_batch
from local.gateway.request_ids import request_ids
from local.gateway.response import Response, overloaded, problem, response
from local.gateway.routing import AtOnce, Resource, RouteLike, RouteTable, Together
from local.worker_process import enable_sigterm

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable, Iterator, Mapping

    from local.gateway.rsgi import RsgiProtocol, Scope

# These look at nothing outside the process: they need no thread, and no queue delays them.
INLINE_PATHS = frozenset({"/health"})
# Of a route that takes several calls together: how many at most.
MAX_BATCH_SIZE = 64


class Gateway:
    """The RSGI application over one route table."""

    def __init__(self, routes: Iterable[RouteLike], stage: str) -> None:
        self._routes = tuple(routes)
        self._table = RouteTable(self._routes)
        self._stage = stage
        # Made where the event loop is known: by what answers several calls together, None for all
        # handlers that take one at a time.
        self._waiting_rooms: dict[Together | None, LoadSheddingExecutor[Call, Response]] = {}
        self._request_ids: Iterator[str]
        self._shed: AggregatedLog
        self._answered_at_once: AggregatedLog
        self.bounds = ExecutorLimits()

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Begin to serve on this event loop, within `bounds`."""
        self._waiting_rooms[None] = LoadSheddingExecutor(loop, self.bounds, _alone)
        several = replace(self.bounds, max_batch=MAX_BATCH_SIZE)
        for answer_all in {route.together for route in self._routes if route.together}:
            self._waiting_rooms[answer_all] = LoadSheddingExecutor(loop, several, invoke_batch)
        self._request_ids = request_ids()
        self._shed = AggregatedLog(loop, "WARNING", "too many requests: shed with 503")
        self._answered_at_once = AggregatedLog(loop, "INFO", "answered at once")
        enable_sigterm(loop)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Serve no more."""
        for room in self._waiting_rooms.values():
            room.close()
        self._shed.write()
        self._answered_at_once.write()

    async def __rsgi__(self, scope: Scope, exchange: RsgiProtocol) -> None:
        """Answer one request."""
        request_id = next(self._request_ids)
        headers = scope.headers
        try:
            # Before any answer: a body that is left unread costs the client its connection.
            body = await read_body(headers, exchange) if is_announced(headers) else b""
            answer = self._at_once(scope, body, request_id)
            if isinstance(answer, Call):
                room = self._waiting_rooms[answer.route.together]
                answer = await room.call(answer, exchange.client_disconnect)
        except ClientDisconnectedError:
            return
        except UnreadableBodyError as error:
            answer = problem(error.status, error.code, str(error), request_id)
        except OverloadedError:
            self._shed.count()
            answer = overloaded(request_id)
        answer.headers.append(("x-amzn-RequestId", request_id))
        exchange.response_bytes(*answer)

    def _at_once(self, scope: Scope, body: bytes, request_id: str) -> Response | Call:
        """Return the answer where it takes no thread, and so no place in a queue; else the call."""
        path, method = scope.path, scope.method
        match = self._table.match(path)
        if match is None:
            detail = "There is nothing at this path."
            return problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", detail, request_id)
        resource, path_parameters = match
        route = resource.route(method)
        if route is None:
            return _method_not_allowed(resource, request_id)
        if route.at_once and not body:
            refusal = self._refused(route.at_once, scope, path_parameters, request_id)
            if refusal:
                return refusal
        call = Call(route, path_parameters, scope, body, request_id, self._stage)
        return invoke(call) if resource.path in INLINE_PATHS else call

    def _refused(
        self,
        refuse: AtOnce,
        scope: Scope,
        path_parameters: Mapping[str, str] | None,
        request_id: str,
    ) -> Response | None:
        """Return what the route answers without waiting for anybody, if it does."""
        headers = scope.headers.get_all("authorization")
        campaign_id = (path_parameters or {}).get("id", "")
        try:
            refusal = refuse(campaign_id, headers[-1] if headers else "", request_id)
            answer = response(refusal) if refusal else None
        except Exception as error:  # noqa: BLE001 - as in Lambda, it ends here
            return failed(error, refuse.__name__, request_id)
        if answer:
            self._answered_at_once.count(("path", scope.path), ("status", answer.status))
        return answer


def make_application(routes: Iterable[RouteLike]) -> Gateway:
    """Return the application over `routes`; a malformed table raises ValueError."""
    return Gateway(routes, stage=os.environ.get("STAGE") or "local")


def _alone(calls: list[Call]) -> Iterator[tuple[int, Response]]:
    for place, call in enumerate(calls):
        yield place, invoke(call)


def _method_not_allowed(resource: Resource, request_id: str) -> Response:
    detail = f"This path answers to {resource.allow}."
    answer = problem(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail, request_id)
    answer.headers.append(("Allow", resource.allow))
    return answer


application = make_application(ROUTES)
