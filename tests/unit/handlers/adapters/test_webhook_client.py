"""The client of webhooks: it reaches the public internet only, and trusts no receiver."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from handlers.adapters import webhook_client
from handlers.adapters.webhook_client import WebhookClient
from handlers.domain import public_address
from tests.support.receiver import receiver
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from handlers.domain.webhook_attempt import WebhookAnswer

BODY = b'{"type":"coupon.issued"}'
HEADERS = {"webhook-id": "coupon_issued:welcome:1"}
NOT_PUBLIC = "its address is not on the public internet"


class Names:
    """A resolver that answers in turn, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(f"{host}:{port}")
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


def post(client: WebhookClient, url: str) -> WebhookAnswer:
    try:
        return asyncio.run(client.post(url, HEADERS, BODY))
    finally:
        client.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "0", "169.254.169.254", "10.0.0.1"],
)
def test_an_address_inside_our_network_is_refused_however_it_is_written(host: str) -> None:
    with receiver(is_described=False) as shop:
        port = shop.url.split(":")[2].split("/")[0]
        answer = post(WebhookClient(internal=False), f"https://{host}:{port}/")
        assert (answer.http_status, answer.error) == (None, NOT_PUBLIC)
        assert shop.received == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::ffff:10.0.0.1"],
        ["fd00:ec2::254"],
        ["8.8.8.8", "192.168.0.1"],
        ["8.8.8.8", "8.8.4.4", "1.1.1.1", "9.9.9.9", "10.0.0.1"],
    ],
)
def test_a_name_that_leads_inside_is_refused_also_if_only_one_of_its_addresses_does(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        pytest.fail("connected")

    monkeypatch.setattr(asyncio, "open_connection", never)
    client = WebhookClient(internal=False, resolve=Names(addresses))
    assert post(client, "https://shop.example/").error == NOT_PUBLIC


def test_the_connection_goes_to_the_address_that_was_checked_and_to_no_later_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[object] = []

    async def note(host: object, port: object, **_: object) -> None:
        connected.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", note)
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    client = WebhookClient(internal=False, resolve=names)
    assert post(client, "https://shop.example:8443/").error.endswith("ConnectionRefusedError")
    assert (names.asked, connected) == (["shop.example:8443"], [("93.184.216.34", 8443)])


def test_control_without_the_check_the_request_would_come_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(public_address, "NOT_PUBLIC_V4", ())
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=authority.file)
    with receiver(authority.server_context("shop.example"), is_described=False) as shop:
        port = shop.url.split(":")[2].split("/")[0]
        client = WebhookClient(internal=False, context=trusting, resolve=Names(["127.0.0.1"]))
        assert post(client, f"https://shop.example:{port}/hook").http_status == 204
        assert [one.body for one in shop.received] == [BODY.decode()]
        assert shop.received[0].headers["host"] == f"shop.example:{port}"


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=authority.file)
    with receiver(authority.server_context("shop.example"), is_described=False) as shop:
        port = shop.url.split(":")[2].split("/")[0]
        client = WebhookClient(internal=True, context=trusting, resolve=Names(["127.0.0.1"]))
        answer = post(client, f"https://{name}:{port}/hook")
        assert answer.http_status is None
        assert answer.error.startswith("its certificate is refused: ")
        assert shop.received == []


def test_plain_http_is_refused_also_for_a_webhook_of_before() -> None:
    with receiver(is_described=False) as shop:
        answer = post(WebhookClient(internal=False), shop.url)
        assert answer.error == "only https is allowed"
        assert shop.received == []


def test_a_name_without_address_is_a_failure_like_any_other() -> None:
    def fail(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror

    answer = post(WebhookClient(internal=True, resolve=fail), "https://nowhere.example/")
    assert answer.error == "its name has no address"


def test_the_next_address_is_tried_where_the_first_takes_no_connection() -> None:
    with receiver(is_described=False) as shop:
        url = shop.url.replace("127.0.0.1", "shop.example")
        client = WebhookClient(internal=True, resolve=Names(["127.0.0.2", "127.0.0.1"]))
        assert post(client, url).http_status == 204


@contextmanager
def answering(*parts: bytes) -> Iterator[str]:
    """A server that answers one request with these bytes and ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    for part in parts:
                        connection.sendall(part)
                except OSError:  # the client has read enough
                    return

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("answer", "status", "asked"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", 200, 0),
        (b"HTTP/1.0 202\r\n\r\n", 202, 0),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.1 204 \r\n\r\n",
            204,
            0,
        ),
        (b"HTTP/1.1 503 Busy\r\nretry-after: 30\r\nContent-Length: 4\r\n\r\nbusy", 503, 30),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n", 301, 0),
    ],
)
def test_the_status_is_that_of_the_last_head(answer: bytes, status: int, asked: int) -> None:
    with answering(answer) as url:
        found = post(WebhookClient(internal=True), url)
    assert (found.http_status, found.retry_after_s, found.error) == (status, asked, "")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 999 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000,
        b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000,
    ],
)
def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    with answering(answer) as url:
        found = post(WebhookClient(internal=True), url)
    assert (found.http_status, found.error) == (None, "its answer is no HTTP")


def test_of_a_body_without_end_only_a_part_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_client, "REQUEST_S", 5.0)
    endless = [b"x" * 65_536] * 2000  # 130 MB, unless the client ends it
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", *endless) as url:
        assert post(WebhookClient(internal=True), url).http_status == 200


def test_the_request_is_the_url_s_target_with_the_headers_and_the_body() -> None:
    with receiver(is_described=False) as shop:
        assert post(WebhookClient(internal=True), shop.url).http_status == 204
    [one] = shop.received
    assert one.body == BODY.decode()
    assert one.headers["connection"] == "close"
    assert one.headers["webhook-id"] == "coupon_issued:welcome:1"
