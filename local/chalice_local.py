"""`chalice local` with the gateway's rules for paths, HEAD and bodies.

`python -m local.chalice_local`.

Chalice's server by itself collapses slashes at the beginning, lets a path parameter be empty,
answers 403 where there is nothing, refuses TRACE with a page, and sends a body after HEAD, which
the next response on that connection then seems to begin with. It reads a body of any length before
it looks at the path, and takes a chunked one for the next request.
"""

from __future__ import annotations

import functools
import os
import sys
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import chalice.local
from chalice.cli import cli

from handlers.config import ConfigurationError
from handlers.domain.errors import PayloadTooLargeError
from handlers.edge.http.cors import PREFLIGHT, cors_headers
from handlers.edge.http.request import BODY_BYTES_MAX
from handlers.edge.http.request_log import REQUESTS
from handlers.page_settings import allowed_origins
from handlers.routes import ROUTES
from local.cli import EXIT_MISCONFIGURED, end
from local.gateway.response import Response, method_not_allowed, not_found, problem
from local.gateway.routing import RouteTable

if TYPE_CHECKING:
    from email.message import Message

    from chalice.app import Chalice
    from chalice.config import Config

MODULE = "local.chalice_local"
TABLE = RouteTable(ROUTES)
UNKNOWN = -1  # a body's length
LENGTH_DIGITS_MAX = 18  # more would not be a length but an attack on int()


class RequestHandler(chalice.local.ChaliceRequestHandler):
    """Chalice's own, behind the gateway's route table."""

    # It writes headers and body one after the other. Without this, the body of a response on a
    # kept connection waits until the client has acknowledged the headers: 40 ms.
    disable_nagle_algorithm = True
    origins: frozenset[str] = frozenset()  # whose pages may read the responses

    def _generic_handle(self) -> None:
        # Not self.path: the standard library has collapsed its first slashes.
        target, mark, query = self.requestline.split()[1].partition("?")
        path = unquote(_without_authority(target), errors="replace")
        length = _body_length(self.headers)
        refused = _refusal(self.command, path, length)
        if refused:
            status, headers, body = refused
            headers.extend(cors_headers(self.origins, self.headers.get("Origin")).items())
            if 0 <= length <= BODY_BYTES_MAX:
                self._parse_payload()  # a body that is left unread would be the next request
            else:
                headers.append(("Connection", "close"))
                self.close_connection = True
            self._send_http_response_with_body(status, dict(headers), body)
            return
        self.path = quote(path) + mark + query
        super()._generic_handle()

    def handle_expect_100(self) -> bool:
        """Ask for the body, unless its length alone is enough to refuse it."""
        is_refused = not 0 <= _body_length(self.headers) <= BODY_BYTES_MAX
        return is_refused or super().handle_expect_100()

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: bytes | str
    ) -> None:
        if self.command == "HEAD":
            encoded = body if isinstance(body, bytes) else body.encode()
            self.send_response(code)
            self._send_headers(headers | {"Content-Length": str(len(encoded))})
            return
        super()._send_http_response_with_body(code, headers, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _generic_handle  # noqa: N815 - the standard library's names

    def __getattr__(self, name: str) -> Any:
        """Return the gateway's answer for any other method, which the standard library refuses."""
        if name.startswith("do_"):
            return self._generic_handle
        raise AttributeError(name)


def _without_authority(target: str) -> str:
    """Return the path of a request's target, which may be a whole URL."""
    scheme, separator, rest = target.partition("://")
    return f"/{rest.partition('/')[2]}" if separator and scheme.isalpha() else target


def _body_length(headers: Message) -> int:
    """Return the announced length of a body; UNKNOWN where it is chunked, no number, or two."""
    texts = set(headers.get_all("Content-Length", ["0"]))
    text = texts.pop()
    is_number = text.isascii() and text.isdecimal() and len(text) <= LENGTH_DIGITS_MAX
    is_known = is_number and not texts and "Transfer-Encoding" not in headers
    return int(text) if is_known else UNKNOWN


def _refusal(method: str, path: str, body_length: int) -> Response | None:
    """Return the gateway's response to a request that no handler gets, else None."""
    request_id = str(uuid.uuid4())
    match = TABLE.match(path)
    if match is None:
        refused = not_found(request_id)
    elif match[0].route(method) is None and method != PREFLIGHT:
        refused = method_not_allowed(match[0].allow, request_id)
    elif body_length == UNKNOWN:
        detail = "The body's length must be in Content-Length; chalice local takes no chunks."
        refused = problem(HTTPStatus.LENGTH_REQUIRED, "LENGTH_REQUIRED", detail, request_id)
    elif body_length > BODY_BYTES_MAX:
        error = PayloadTooLargeError()
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        refused = problem(status, error.code, str(error), request_id)
    else:
        return None
    refused.headers.append(("x-amzn-RequestId", request_id))
    return refused


def _create_local_server(create: Any, app: Chalice, config: Config, host: str, port: int) -> Any:
    server = create(app, config, host, port)
    handler = functools.partial(RequestHandler, app_object=app, config=config)
    server.server.RequestHandlerClass = handler
    return server


def main() -> int:
    """Run `chalice local` with the arguments of this program; return the exit code."""
    try:
        RequestHandler.origins = allowed_origins(os.environ)
    except ConfigurationError as error:
        return end(f"Wrong settings: {error}.", EXIT_MISCONFIGURED)
    arguments = ["local", *sys.argv[1:]]
    create = chalice.local.create_local_server
    chalice.local.create_local_server = functools.partial(_create_local_server, create)
    # Chalice's reloader starts this command again.
    sys.argv[:1] = [sys.executable, "-m", MODULE]
    try:
        cli(args=arguments, prog_name="chalice", obj={})
    finally:
        REQUESTS.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
