"""API Gateway's place, locally: a WSGI application that calls the Lambda handlers.

Any WSGI server can run `local.gateway:application`; `python -m local.serve` does it on Granian.
"""

from __future__ import annotations

import os
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from handlers.routes import ROUTES
from local.apigateway.event import proxy_event
from local.apigateway.response import Response, bad_gateway, problem, response
from local.apigateway.routing import Resource, RouteLike, RouteTable
from local.lambda_context import LambdaContext
from local.log_line import log_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

# API Gateway's limits: the payload of a request, and the time that an integration may take.
BODY_BYTES_MAX = 10 * 1024 * 1024
TIMEOUT_S = 29.0
READ_BYTES = 64 * 1024


class Gateway:
    """The WSGI callable over one route table. It keeps nothing between requests."""

    def __init__(self, routes: Iterable[RouteLike], stage: str) -> None:
        self._table = RouteTable(routes)
        self._stage = stage

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer one request."""
        request_id = str(uuid4())
        answer = self._answer(environ, request_id)
        start_response(answer.status, [*answer.headers, ("x-amzn-RequestId", request_id)])
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment, request_id: str) -> Response:
        path, method = _decoded(environ.get("PATH_INFO", "")) or "/", environ["REQUEST_METHOD"]
        # Before any answer: a body that is left unread costs the client its connection.
        try:
            body = _read_body(environ)
        except _UnreadableBodyError as error:
            return problem(error.status, error.code, str(error), request_id)
        match = self._table.match(path)
        if match is None:
            detail = "There is nothing at this path."
            return problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", detail, request_id)
        resource, path_parameters = match
        route = resource.route(method)
        if route is None:
            return _method_not_allowed(resource, request_id)
        event = proxy_event(
            environ,
            resource=resource.path,
            path=path,
            path_parameters=path_parameters,
            body=body,
            request_id=request_id,
            stage=self._stage,
        )
        return _invoke(route, event)


def make_application(routes: Iterable[RouteLike]) -> Gateway:
    """Return the WSGI application over `routes`; a malformed table raises ValueError."""
    return Gateway(routes, stage=os.environ.get("STAGE") or "local")


def _invoke(route: RouteLike, event: dict[str, Any]) -> Response:
    name = getattr(route.handler, "__name__", "handler")
    context = LambdaContext(name, TIMEOUT_S)
    try:
        return response(route.handler(event, context))
    except Exception as error:  # noqa: BLE001 - as in Lambda, whatever a handler raises ends here
        log_line(
            "ERROR",
            "the handler failed",
            function=name,
            request_id=event["requestContext"]["requestId"],
            aws_request_id=context.aws_request_id,
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


class _UnreadableBodyError(Exception):
    """The body is too large or incomplete; the handler is not called."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def _read_body(environ: WSGIEnvironment) -> bytes:
    """Return the body, reading no more than BODY_BYTES_MAX + 1 bytes of it."""
    announced = environ.get("CONTENT_LENGTH") or ""
    if not announced and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    length = int(announced) if announced.isdecimal() else None
    if length is not None and length > BODY_BYTES_MAX:
        raise _too_large()
    chunks, size = [], 0
    read = environ["wsgi.input"].read
    # Granian gives everything it has only to read(n); its read() after a read(n) is empty.
    while size != length and (chunk := read(READ_BYTES if length is None else length - size)):
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _too_large()
    if length is not None and size != length:
        detail = f"The body ended after {size} of {length} bytes."
        raise _UnreadableBodyError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", detail)
    return b"".join(chunks)


def _too_large() -> _UnreadableBodyError:
    detail = f"The body has more than {BODY_BYTES_MAX} bytes."
    return _UnreadableBodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)


def _decoded(path: str) -> str:
    """Return a WSGI path, bytes dressed as latin-1, as the UTF-8 that it is."""
    return path if path.isascii() else path.encode("latin-1").decode(errors="replace")


application = make_application(ROUTES)
