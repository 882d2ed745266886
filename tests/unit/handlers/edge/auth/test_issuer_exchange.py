"""handlers/edge/auth/issuer_exchange.py against servers that are slow, broken or hostile."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from handlers.edge.auth import issuer_exchange
from handlers.edge.auth.issuer_exchange import RESPONSE_BYTES_MAX, get
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answer = Callable[[socket.socket, threading.Event], None]

KEYS = b'{"keys":[]}'
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(KEYS), KEYS)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# Far more than the drips below need bytes for: only the client ends such an exchange.
TIMEOUT_S = 0.4
PAUSE_S = 0.05


@contextmanager
def served(
    answer: Answer, context: ssl.SSLContext | None = None, requests: list[bytes] | None = None
) -> Iterator[str]:
    """Accept one connection, read its request, then do `answer`; yield the server's address."""
    received = [] if requests is None else requests
    closing = threading.Event()

    def serve() -> None:
        with suppress(OSError):  # the client or the test is through
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    def talk(connection: socket.socket) -> None:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        received.append(connection.recv(65_536))
        answer(connection, closing)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        scheme = "https" if context else "http"
        try:
            yield f"{scheme}://localhost:{listener.getsockname()[1]}/keys?a=b"
        finally:
            closing.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def sends(data: bytes) -> Answer:
    return lambda connection, _: connection.sendall(data)


def drips(first: bytes, drop: bytes) -> Answer:
    """Send `first`, then a drop at a time as long as the client listens."""

    def answer(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(first)
        while not closing.wait(PAUSE_S):
            connection.sendall(drop)

    return answer


@pytest.mark.parametrize(
    "response",
    [
        WITH_LENGTH,
        b"HTTP/1.0 200 OK\r\n\r\n" + KEYS,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + KEYS,
        CHUNKED + b'4\r\n{"ke\r\n7\r\nys":[]}\r\n0\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\n" + WITH_LENGTH,
    ],
)
def test_a_response_is_read_in_each_of_its_forms(response: bytes) -> None:
    with served(sends(response)) as url:
        assert get(url, 30) == KEYS


def test_the_request_names_host_and_target() -> None:
    requests: list[bytes] = []
    with served(sends(WITH_LENGTH), requests=requests) as url:
        assert get(url, 30) == KEYS
    [request] = requests
    assert request.startswith(b"GET /keys?a=b HTTP/1.1\r\n")
    assert f"Host: {url.split('/')[2]}\r\n".encode() in request


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"", b""),
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-One: 1\r\n"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", b" "),
        drips(CHUNKED, b"1\r\n \r\n"),
    ],
    ids=["silent", "status", "header", "headers", "continue", "body", "length", "chunks"],
)
def test_a_server_that_drips_is_left_when_the_time_of_the_whole_exchange_is_over(
    answer: Answer,
) -> None:
    # Each drop would begin a socket's own timeout again, so only a deadline ends this.
    with served(answer) as url, pytest.raises(TimeoutError):
        get(url, TIMEOUT_S)


def test_control_a_timeout_of_the_socket_alone_lets_such_a_server_hold_its_client() -> None:
    def answer(connection: socket.socket, closing: threading.Event) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n\r\n":
            connection.sendall(bytes([byte]))
            closing.wait(PAUSE_S)
        connection.sendall(KEYS)

    with served(answer) as url:
        connection = HTTPConnection("localhost", urlsplit(url).port, timeout=TIMEOUT_S)
        connection.request("GET", "/keys")
        assert connection.getresponse().read() == KEYS  # after the double of its timeout
        connection.close()
    with served(answer) as url, pytest.raises(TimeoutError):
        get(url, TIMEOUT_S)


def test_a_server_that_never_takes_part_in_tls_is_left_too() -> None:
    with (
        served(drips(b"", b"")) as url,
        pytest.raises((TimeoutError, ssl.SSLError)),
    ):
        get(url.replace("http:", "https:"), TIMEOUT_S)


def test_a_name_with_several_addresses_is_asked_at_the_next_one_within_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_up, connect = socket.getaddrinfo, socket.create_connection
    tried = []

    def addresses(host: str, port: int, *options: Any, **more: Any) -> list[Any]:
        found: list[Any] = list(look_up("127.0.0.1", port, *options, **more))
        of_no_host = [(*found[0][:4], ("192.0.2.1", port))]
        return of_no_host + found if host == "localhost" else found

    def connected(address: tuple[str, int], timeout_s: float) -> socket.socket:
        tried.append((address[0], timeout_s))
        if address[0] == "192.0.2.1":
            raise TimeoutError
        return connect(address, timeout_s)

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    monkeypatch.setattr(socket, "create_connection", connected)
    with served(sends(WITH_LENGTH)) as url:
        assert get(url, 30) == KEYS
    assert [host for host, _ in tried] == ["192.0.2.1", "127.0.0.1"]
    assert all(timeout_s <= 15 for _, timeout_s in tried)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x16\x03\x01",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n" + KEYS,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n" + KEYS,
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"5\r\nabc",
    ],
)
def test_a_broken_response_is_an_error_of_http(response: bytes) -> None:
    with served(sends(response)) as url, pytest.raises((HTTPException, OSError)):
        get(url, 30)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
    ],
)
def test_a_response_that_is_too_large_is_not_read_to_its_end(head: bytes) -> None:
    def answer(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(head)
        while not closing.is_set():
            connection.sendall(b" " * 65_536)

    with served(answer) as url, pytest.raises(HTTPException, match=str(RESPONSE_BYTES_MAX)):
        get(url, 30)


def test_a_response_of_just_the_largest_size_is_read() -> None:
    body = b" " * RESPONSE_BYTES_MAX
    with served(sends(b"HTTP/1.1 200 OK\r\n\r\n" + body)) as url:
        assert get(url, 30) == body


def test_over_tls_the_server_proves_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.file))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    with served(sends(WITH_LENGTH), authority.server_context("localhost")) as url:
        assert get(url, 30) == KEYS
    with (
        served(sends(WITH_LENGTH), authority.server_context("elsewhere")) as url,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        get(url, 30)


def test_no_time_is_left_at_its_end() -> None:
    until = issuer_exchange._Until(0.0)
    with pytest.raises(TimeoutError):
        until.left_s()
