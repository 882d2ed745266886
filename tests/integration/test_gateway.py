"""The gateway on a real Granian, in its own processes, over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from handlers.edge.http.request import BODY_BYTES_MAX
from tests.support.gateway import ask, connected, serving
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as (program, port):
        yield port
        assert program.stop() == 0


def test_a_connection_is_kept_alive_over_many_requests(port: int) -> None:
    with connected(port) as connection:
        connection.connect()
        first_socket = connection.sock
        for number in range(20):
            connection.request("GET", f"/echo/{number}")
            body = json.loads(connection.getresponse().read())
            assert body["event"]["pathParameters"] == {"id": str(number)}
        assert connection.sock is first_socket


def test_a_response_of_every_kind_leaves_the_connection_usable(port: int) -> None:
    with connected(port) as connection:
        for method, path, status in (
            ("GET", "/nowhere", 404),
            ("DELETE", "/echo/1", 405),
            ("GET", "/broken", 502),
            ("HEAD", "/echo/1", 200),
            ("POST", "/nowhere", 404),
            ("GET", "/echo/1", 200),
        ):
            connection.request(method, path, b"a body" if method == "POST" else None)
            response = connection.getresponse()
            response.read()
            assert response.status == status


def test_an_unknown_path_and_a_missing_method_are_problems(port: int) -> None:
    response, body = ask(port, "GET", "/nowhere")
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "NOT_FOUND"
    response, body = ask(port, "PUT", "/echo/1")
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert json.loads(body)["code"] == "METHOD_NOT_ALLOWED"


def test_head_has_the_length_of_get_and_no_body(port: int) -> None:
    response, body = ask(port, "HEAD", "/echo/1")
    assert response.status == 200
    assert int(response.headers["content-length"]) > 0
    assert body == b""


def test_a_path_parameter_comes_decoded(port: int) -> None:
    _, body = ask(port, "GET", f"/echo/{quote('a b쿠폰%')}")
    event = json.loads(body)["event"]
    assert event["pathParameters"] == {"id": "a b쿠폰%"}
    assert event["path"] == f"/echo/{quote('a b쿠폰%')}"


def test_the_whole_request_is_in_the_event(port: int) -> None:
    headers = {"X-Own": "1", "Content-Type": "text/plain", "User-Agent": "a test"}
    response, body = ask(port, "POST", "/echo/1?a=1&a=2", "쿠폰".encode(), headers)
    fields = json.loads(body)
    event = fields["event"]
    assert event["body"] == "쿠폰"
    assert event["isBase64Encoded"] is False
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert headers.items() <= event["headers"].items()
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["identity"]["userAgent"] == "a test"
    assert event["requestContext"]["requestId"] == response.headers["x-amzn-requestid"]
    assert 20_000 < fields["left_ms"] <= 29_000


def test_a_body_that_is_not_utf8_comes_as_base64(port: int) -> None:
    _, body = ask(port, "POST", "/echo/1", b"\xff\xfe\x00")
    event = json.loads(body)["event"]
    assert (event["body"], event["isBase64Encoded"]) == ("//4A", True)


def test_a_large_body_within_the_limit_arrives_whole(port: int) -> None:
    sent = b"0123456789abcdef" * (BODY_BYTES_MAX // 16)
    _, body = ask(port, "POST", "/echo/1", sent)
    assert json.loads(body)["event"]["body"] == sent.decode()


def test_a_chunked_body_arrives_whole(port: int) -> None:
    chunks = [b"hello ", b"x" * 10_000, b" end"]
    _, body = ask(port, "POST", "/echo/1", iter(chunks))
    assert json.loads(body)["event"]["body"] == b"".join(chunks).decode()


def test_a_body_announced_too_large_is_rejected_before_it_is_sent(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        length = BODY_BYTES_MAX + 1
        head = f"POST /echo/1 HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        client.sendall(head.encode())
        response = http.client.HTTPResponse(client)
        response.begin()
        body = json.loads(response.read())
        response.close()
    assert response.status == 413
    assert body["code"] == "PAYLOAD_TOO_LARGE"


def test_a_chunked_body_is_rejected_where_it_passes_the_limit(port: int) -> None:
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        client.sendall(b"POST /echo/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        # Just enough chunks to pass the limit: unread data would make the server's kernel reset
        # the connection, and the response could be lost with it.
        for _ in range(BODY_BYTES_MAX // 0x1000 + 1):
            client.sendall(chunk)
        response = http.client.HTTPResponse(client)
        response.begin()
        response.close()
    assert response.status == 413


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nhi\r\n", b"2\r\nhi\r\nzz\r\n", b"2\r\nhi!\r\n0\r\n\r\n"]
)
def test_a_malformed_chunk_is_an_error_and_not_the_end_of_the_body(
    port: int, chunks: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        client.sendall(b"POST /echo/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(chunks)
        response = http.client.HTTPResponse(client)
        response.begin()
        body = json.loads(response.read())
        response.close()
    assert (response.status, body["code"]) == (400, "INVALID_REQUEST")


def test_a_small_body_that_no_call_reads_leaves_the_connection_usable(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        for path, status in (("/nowhere", 404), ("/bodyless", 200), ("/bodyless", 200)):
            head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
            client.sendall(head.encode() + b"{}")
            response = http.client.HTTPResponse(client)
            response.begin()
            response.read()
            assert response.status == status


@pytest.mark.parametrize("path", ["/nowhere", "/bodyless"])
def test_a_long_body_that_no_call_reads_is_answered_at_once_and_the_connection_closed(
    port: int, path: str
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {10**9}\r\n\r\n"
        client.sendall(head.encode())
        response = http.client.HTTPResponse(client)
        response.begin()
        response.read()
        assert response.status == (404 if path == "/nowhere" else 413)
        assert response.headers["connection"] == "close"
        assert client.recv(1) == b""


@pytest.mark.parametrize("path", ["/nowhere", "/bodyless", "/echo/1"])
def test_each_of_many_clients_with_a_long_body_reads_that_its_connection_is_closed(
    port: int, path: str
) -> None:
    """The server alone says so to most of them: it depends on which of its threads is faster."""
    request = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {10**9}\r\n\r\n".encode()

    def closed_by(_: int) -> str | None:
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
            client.sendall(request)
            response = http.client.HTTPResponse(client)
            response.begin()
            response.close()
            return response.headers["connection"]

    with ThreadPoolExecutor(16) as clients:
        assert set(clients.map(closed_by, range(400))) == {"close"}


def test_a_client_that_disconnects_in_the_middle_of_its_body_affects_no_other(port: int) -> None:
    for framing in (b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
            client.sendall(b"POST /echo/1 HTTP/1.1\r\nHost: a\r\n" + framing + b"abc")
    response, _ = ask(port, "GET", "/echo/1")
    assert response.status == 200


def test_each_of_many_concurrent_clients_gets_its_own_response(port: int) -> None:
    def wrong_responses(client: int) -> list[str]:
        wrong = []
        with connected(port) as connection:
            for number in range(25):
                name = f"client-{client}-{number}"
                headers = {"Authorization": f"Bearer {name}"}
                connection.request("POST", f"/echo/{name}", name.encode(), headers)
                event = json.loads(connection.getresponse().read())["event"]
                seen = (
                    event["pathParameters"]["id"],
                    event["body"],
                    event["headers"]["Authorization"],
                )
                if seen != (name, name, f"Bearer {name}"):
                    wrong.append(f"{name} got {seen}")
        return wrong

    with ThreadPoolExecutor(40) as pool:
        assert [wrong for each in pool.map(wrong_responses, range(40)) for wrong in each] == []


def test_requests_are_shared_among_the_workers(port: int) -> None:
    def both_seen() -> bool:
        seen.add(json.loads(ask(port, "GET", "/echo/1")[1])["pid"])
        return len(seen) == 2

    seen: set[int] = set()
    eventually(both_seen, "a response of each of two workers")
