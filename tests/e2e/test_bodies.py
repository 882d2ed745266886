"""Bodies that are too long or without a length: one rule on the gateway and on `chalice local`."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from handlers.edge.http.request import BODY_BYTES_MAX
from tests.e2e.conftest import chalice_local, gateway
from tests.support.gateway import ENVIRONMENT
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKS = "2\r\n{}\r\n0\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        homes = {"gateway": gateway, "chalice local": chalice_local}
        yield {name: stack.enter_context(run(ENVIRONMENT)).port for name, run in homes.items()}


def ask(port: int, call: str, headers: str, body: str = "") -> tuple[int, str, bool]:
    """Return status and code, and whether the server closed the connection behind the response."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        client.sendall(f"{call} HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}".encode())
        response = http.client.HTTPResponse(client)
        response.begin()
        found = json.loads(response.read())
        will_close = response.headers.get("connection", "").lower() == "close"
        if will_close:
            assert client.recv(1) == b""
        return response.status, found.get("code", ""), will_close


@pytest.mark.parametrize("home", ["gateway", "chalice local"])
def test_a_body_over_the_limit_is_refused_before_it_is_sent(
    ports: dict[str, int], home: str
) -> None:
    too_long = f"Content-Length: {BODY_BYTES_MAX + 1}\r\n"
    for call in ("POST /campaigns", "POST /campaigns/a/apply", "GET /health"):
        assert ask(ports[home], call, too_long) == (413, "PAYLOAD_TOO_LARGE", True)
    assert ask(ports[home], "POST /nothing", too_long) == (404, "NOT_FOUND", True)
    assert ask(ports[home], "PUT /campaigns", too_long) == (405, "METHOD_NOT_ALLOWED", True)


@pytest.mark.parametrize("home", ["gateway", "chalice local"])
def test_a_body_of_just_the_limit_is_for_the_handler(ports: dict[str, int], home: str) -> None:
    longest = f"Content-Length: {BODY_BYTES_MAX}\r\n"
    body = " " * BODY_BYTES_MAX
    answer = ask(ports[home], "POST /campaigns", longest, body)
    assert answer == (401, "UNAUTHENTICATED", False)


def test_chunks_are_for_the_gateway_only(ports: dict[str, int]) -> None:
    answer = ask(ports["gateway"], "POST /campaigns", CHUNKED, CHUNKS)
    assert answer == (401, "UNAUTHENTICATED", False)
    answer = ask(ports["chalice local"], "POST /campaigns", CHUNKED, CHUNKS)
    assert answer == (411, "LENGTH_REQUIRED", True)


def first_line(port: int, headers: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        client.sendall(f"POST /campaigns HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode())
        return client.makefile("rb").readline().decode("ascii")


@pytest.mark.parametrize("home", ["gateway", "chalice local"])
def test_a_client_that_waits_to_be_asked_for_a_body_over_the_limit_is_refused_in_place_of_that(
    ports: dict[str, int], home: str
) -> None:
    waits = "Expect: 100-continue\r\nContent-Length: {}\r\n"
    assert " 413 " in first_line(ports[home], waits.format(BODY_BYTES_MAX + 1))
    assert " 100 " in first_line(ports[home], waits.format(BODY_BYTES_MAX))


@pytest.mark.parametrize(("home", "status"), [("gateway", 400), ("chalice local", 411)])
def test_two_lengths_of_one_body_are_refused(ports: dict[str, int], home: str, status: int) -> None:
    assert f" {status} " in first_line(ports[home], "Content-Length: 2\r\nContent-Length: 3\r\n")
