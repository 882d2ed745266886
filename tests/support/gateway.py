"""The gateway as a program of its own with the tests' handlers, and requests to it."""

from __future__ import annotations

import http.client
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from local.dev_settings import DEVELOPMENT_SETTINGS
from tests.support.programs import Program, running
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

APPLICATION = "--application=tests.support.handlers_for_programs:application"
# Complete, with no server behind it: the gateway itself needs none.
ENVIRONMENT = {
    "REDIS_URL": "redis://127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "DATABASE_URL": "mysql://nobody:nothing@127.0.0.1:1/none",
    **DEVELOPMENT_SETTINGS,
}


@contextmanager
def serving(
    *arguments: str, environment: Mapping[str, str] = ENVIRONMENT
) -> Iterator[tuple[Program, int]]:
    """Run the gateway on a free port; yield it and its port once it listens."""
    with running(
        "local.serve", "--port=0", APPLICATION, *arguments, environment=environment
    ) as program:
        line = program.out.until(lambda line: line.startswith("listening on http://127.0.0.1:"))
        yield program, int(line.rpartition(":")[2])


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
        yield connection


def ask(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    with connected(port) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()
