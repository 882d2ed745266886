"""An HTTP client for tests: many connections at once, each kept alive."""

from __future__ import annotations

import http.client
import json
import select
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from tests.support.described import check_answer
from tests.support.service import Response, mint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Call:
    """One request; `user` becomes a bearer token."""

    method: str
    path: str
    user: str | None = None
    scope: str = ""
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


class Client:
    """Sends calls to one server, from several threads with a connection each.

    is_described: each answer has to be one that the interface's description names. False for a
    server that is not ours alone.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_described = True
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def send(self, call: Call) -> Response:
        connection = self._connection()
        headers = dict(call.headers)
        if call.user:
            headers["Authorization"] = f"Bearer {mint(call.user, call.scope)}"
        body = None
        if call.body is not None:
            body = call.body if isinstance(call.body, bytes) else json.dumps(call.body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection.request(call.method, call.path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        response_headers = {name.title(): value for name, value in response.getheaders()}
        # A response to HEAD has the type of what it does not have.
        is_json = text and "json" in response_headers.get("Content-Type", "")
        answer = Response(response.status, response_headers, json.loads(text) if is_json else text)
        if self.is_described:
            check_answer(call.method, _path(call.path), answer.status, answer.headers, answer.body)
        return answer

    def send_all(self, calls: Sequence[Call], threads: int) -> list[Response]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.send, calls))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self._connections:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        connection: Any = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
            self._local.connection = connection
            self._connections.append(connection)
        elif connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the server has closed it meanwhile; the next request opens another
        return connection  # type: ignore[no-any-return]


def _path(target: str) -> str:
    """Return the decoded path of a request's target, which may be a whole URL."""
    path = target.partition("?")[0]
    scheme, separator, rest = path.partition("://")
    if separator and scheme.isalpha():
        path = f"/{rest.partition('/')[2]}"
    return unquote(path, errors="replace")
