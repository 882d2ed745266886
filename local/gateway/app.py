"""A local API Gateway: an RSGI application that calls the Lambda handlers.

`python -m local.serve` runs it on Granian. Each process runs a bounded number of handlers at once,
with a bounded queue before them. When the queue is full or the wait too long, the client gets 503.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from handlers.domain import metrics
from handlers.domain.metric import COUNTING
from handlers.edge.http.cors import PREFLIGHT, cors_headers, preflight_response
from handlers.edge.http.request_log import REQUESTS, SECOND_S
from handlers.pages import PAGES
from handlers.refusals import store_refusals
from handlers.routes import ROUTES, load
from handlers.tracing import current
from handlers.tracing.place import HEADER
from handlers.tracing.request import record_from_memory
from local.gateway.aggregated_log import AggregatedLog
from local.gateway.body import (
    CLOSES,
    UnreadableBodyError,
    is_announced,
    read_body,
    refuse_long,
    unread,
)
from local.gateway.executor import (
    ClientDisconnectedError,
    ExecutorLimits,
    LoadSheddingExecutor,
    OverloadedError,
)
from local.gateway.invocation import Call, failed, invoke, invoke_batch
from local.gateway.request_ids import request_ids
from local.gateway.response import (
    Response,
    http_response,
    method_not_allowed,
    not_found,
    overloaded,
    problem,
)
from local.gateway.response_counts import OTHER, ResponseCounts
from local.gateway.routing import BatchHandler, FastPath, RouteLike, RouteTable
from local.worker_process import enable_sigterm

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, TimerHandle
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from local.gateway.rsgi import RsgiProtocol, Scope

# These read nothing outside the process: they need no thread, and no queue delays them.
PAGE_FILES = ("/web/config.json", "/web/{version}/{folder}/{file}")
INLINE_PATHS = frozenset({"/health", *PAGES, *PAGE_FILES})
# Threads and a queue of their own: a server that does not reply to a probe holds up probes only.
# Nearly all calls are answered from memory; the others wait for one and the same probe.
OWN_ROOMS = {"/ready": ExecutorLimits(threads=2, queue_size=64)}
# The most calls that a batch handler gets at once.
MAX_BATCH_SIZE = 64

Room = BatchHandler | str | None  # the key of an executor


class Gateway:
    """The RSGI application over one route table."""

    def __init__(self, routes: Iterable[RouteLike], stage: str) -> None:
        self._routes = tuple(routes)
        self._table = RouteTable(self._routes)
        self._stage = stage
        # Created once the event loop is known. The key is a batch handler, or the path of a room;
        # None is for all other routes.
        self._executors: dict[Room, LoadSheddingExecutor[Call, Response]] = {}
        self._request_ids: Iterator[str]
        self._shed: AggregatedLog
        self._fast_responses: AggregatedLog
        self._sums: TimerHandle
        self._storing: Future[None] | None = None
        self.limits = ExecutorLimits()
        self.proxies = 0  # trusted ones in front
        self.origins: frozenset[str] = frozenset()  # whose pages may read the responses
        self._responses = ResponseCounts()
        self.at_stop: Callable[[], None] | None = None

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Begin to serve on this event loop, within `limits`."""
        self._executors[None] = LoadSheddingExecutor(loop, self.limits, _invoke_each)
        batching = replace(self.limits, max_batch=MAX_BATCH_SIZE)
        for handler in {route.batch_handler for route in self._routes if route.batch_handler}:
            self._executors[handler] = LoadSheddingExecutor(loop, batching, invoke_batch)
        for path in OWN_ROOMS.keys() & {route.path for route in self._routes}:
            self._executors[path] = LoadSheddingExecutor(loop, OWN_ROOMS[path], _invoke_each)
        self._request_ids = request_ids()
        self._shed = AggregatedLog(loop, "WARNING", "too many requests: shed with 503")
        fast, kind = "responded from the fast path", ("path", "status")
        self._fast_responses = AggregatedLog(loop, "INFO", fast, kind)
        self._sums = loop.call_later(SECOND_S, self._write_sums, loop)
        enable_sigterm(loop)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Stop serving."""
        for executor in self._executors.values():
            executor.close()
        self._shed.write()
        self._fast_responses.write()
        self._sums.cancel()
        REQUESTS.flush()
        store_refusals()
        current.close()
        if self.at_stop:
            self.at_stop()

    def _write_sums(self, loop: AbstractEventLoop) -> None:
        """Write the handlers' sums, which on Lambda wait for the next request."""
        REQUESTS.flush()
        # In a thread, for it waits for Redis; one at a time, for Redis may be silent for long.
        if self._storing is None or self._storing.done():
            self._storing = loop.run_in_executor(None, store_refusals)
        self._sums = loop.call_later(SECOND_S, self._write_sums, loop)

    async def __rsgi__(self, scope: Scope, protocol: RsgiProtocol) -> None:
        """Respond to one request."""
        request_id = next(self._request_ids)
        started = time.perf_counter() if COUNTING.is_on else 0.0
        route: RouteLike | None = None
        room: Room = None
        found = self._table.match(scope.path)
        try:
            response: Response | Call
            if found is None:
                response = unread(scope.headers, not_found(request_id))
            elif (route := found[0].route(scope.method)) is None:
                response = self._preflight(found[0].allow, scope, request_id)
                response = unread(scope.headers, response)
            else:
                # A body that is still on its way costs the client its connection, if the response
                # is faster. So a call with a body does not take the fast path.
                body = await _body(route, scope, protocol) if is_announced(scope.headers) else None
                response = self._respond_inline(route, found[1], scope, body, request_id)
            if isinstance(response, Call):
                room = _room(response.route)
                response = await self._executors[room].call(response, protocol.client_disconnect)
        except ClientDisconnectedError:
            return
        except UnreadableBodyError as error:
            response = problem(error.status, error.code, str(error), request_id)
            response.headers.append(CLOSES)
        except OverloadedError:
            self._shed.count()
            metrics.SHED.inc((_queue_name(room),))
            response = overloaded(request_id)
        response.headers.append(("x-amzn-RequestId", request_id))
        if self.origins:
            response.headers.extend(cors_headers(self.origins, scope.headers.get("origin")).items())
        protocol.response_bytes(*response)
        if started:
            called = scope.method if route else OTHER, found[0].path if found else OTHER
            self._responses.add(*called, response.status, started)

    def show_metrics(self) -> None:
        """Set the metrics of responses and queues; any thread may call it."""
        self._responses.show()
        executors = {(_queue_name(room),): one for room, one in list(self._executors.items())}
        metrics.QUEUED.set_all({name: one.waiting for name, one in executors.items()})
        metrics.BUSY.set_all({name: one.busy for name, one in executors.items()})

    def _preflight(self, allow: str, scope: Scope, request_id: str) -> Response:
        """Return the response to a method that the path does not have, which may be a preflight."""
        if self.origins and scope.method == PREFLIGHT:
            headers = dict(scope.headers.items())
            if output := preflight_response(self.origins, allow, headers):
                return http_response(output)
        return method_not_allowed(allow, request_id)

    def _respond_inline(
        self,
        route: RouteLike,
        path_parameters: Mapping[str, str] | None,
        scope: Scope,
        body: bytes | None,
        request_id: str,
    ) -> Response | Call:
        """Return the response if it needs no thread, and so no slot in a queue; else the call."""
        if route.fast_path and body is None:
            begun_ns = current.now_ns()
            response = self._fast_response(route.fast_path, scope, path_parameters, request_id)
            if response:
                _trace(route, scope, response, begun_ns)
                return response
        stage, proxies = self._stage, self.proxies
        call = Call(route, path_parameters, scope, body or b"", request_id, stage, proxies)
        return invoke(call) if route.path in INLINE_PATHS else call

    def _fast_response(
        self,
        fast_path: FastPath,
        scope: Scope,
        path_parameters: Mapping[str, str] | None,
        request_id: str,
    ) -> Response | None:
        """Return the response of the route's fast path, if it has one for this request."""
        headers = scope.headers.get_all("authorization")
        campaign_id = (path_parameters or {}).get("id", "")
        try:
            output = fast_path(campaign_id, headers[-1] if headers else "", request_id)
            response = http_response(output) if output else None
        except Exception as error:  # noqa: BLE001 - as in Lambda, it ends here
            return failed(error, fast_path.__name__, request_id)
        if response:
            self._fast_responses.count(scope.path, response.status)
        return response


def make_application(routes: Iterable[RouteLike]) -> Gateway:
    """Return the application over `routes`; a malformed table raises ValueError."""
    return Gateway(routes, stage=os.environ.get("STAGE") or "local")


def _trace(route: RouteLike, scope: Scope, response: Response, begun_ns: int) -> None:
    """Record a response from memory, of which no handler knows."""
    if current.recorder is not None:
        callers = scope.headers.get_all(HEADER)
        answer = response.status, response.body
        record_from_memory(current.recorder, (scope.method, route.path), callers, answer, begun_ns)


def _queue_name(room: Room) -> str:
    return room if isinstance(room, str) else getattr(room, "__name__", OTHER)


def _room(route: RouteLike) -> Room:
    return route.path if route.path in OWN_ROOMS else route.batch_handler


async def _body(route: RouteLike, scope: Scope, protocol: RsgiProtocol) -> bytes:
    """Return the body that is announced, unread where the route takes none.

    An unread body is dropped by the server if it is small and has arrived. Otherwise the server
    closes the connection behind the response.
    """
    if route.takes_body:
        return await read_body(scope.headers, protocol)
    refuse_long(scope.headers)
    return b""


def _invoke_each(calls: list[Call]) -> Iterator[tuple[int, Response]]:
    for index, call in enumerate(calls):
        yield index, invoke(call)


load()  # before the first request, and while the start may still take its time
application = make_application(ROUTES)
