"""Receivers that are dead, slow or never read: each fails by itself, and delays no other."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from handlers.adapters import webhook_client
from tests.support.receiver import NOTHING, admin, issue, receiver, send, subscribe
from tests.support.service import create_campaign
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver


@pytest.fixture
def shop(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    """A good receiver of coupon.issued."""
    create_campaign(campaign_id, quantity=1000)
    with receiver() as made:
        subscribe(made.url, "coupon.issued")
        yield made


@contextmanager
def silent(serve: Callable[[socket.socket, Event], None]) -> Iterator[tuple[str, Event]]:
    """A server that takes connections and does not answer as one should, until the event is set."""
    release = Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server, ExitStack() as ends:

        def accept() -> None:
            while not release.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:  # the server is closed
                    return
                thread = Thread(target=end, args=(connection,))
                thread.start()
                ends.callback(thread.join)

        def end(connection: socket.socket) -> None:
            with connection:
                serve(connection, release)

        accepting = Thread(target=accept)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/", release
        finally:
            release.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()


def never_read(_: socket.socket, release: Event) -> None:
    release.wait()


def read_and_never_answer(connection: socket.socket, release: Event) -> None:
    connection.recv(65_536)
    release.wait()


def drip(connection: socket.socket, release: Event) -> None:
    """Send a header that never ends."""
    connection.recv(65_536)
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not release.wait(0.01):
            connection.sendall(b"x")
    except OSError:  # the sender had enough
        release.wait()


def test_receivers_that_are_dead_slow_or_never_read_delay_no_other(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    dead = [never_read, read_and_never_answer, drip]
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        releases = []
        for serve in dead:
            url, release = stack.enter_context(silent(serve))
            subscribe(url, "coupon.issued")
            releases.append(release)
        issue(campaign_id, *range(1, 41))
        running = pool.submit(send)
        # More than one batch, and more events while the dead ones are being waited for.
        eventually(lambda: len(shop.received) == 40, "all events at the good receiver")
        issue(campaign_id, *range(41, 51))
        eventually(lambda: len(shop.received) == 50, "the events that came later")
        assert not running.done()
        for release in releases:
            release.set()
        running.result()
    assert len(set(shop.ids())) == 50


def test_a_receiver_that_does_not_answer_in_time_is_tried_again(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_client, "REQUEST_S", 0.2)
    create_campaign(campaign_id)
    for serial, serve in enumerate((never_read, read_and_never_answer, drip), 1):
        with silent(serve) as (url, _):
            made = subscribe(url, "coupon.issued")
            issue(campaign_id, serial)
            assert send() == NOTHING | {"failed": 1}
        [log] = admin("GET /webhooks/{webhook}/deliveries", webhook=made.id).body["deliveries"]
        assert log["error"] == "no answer within 0.2 s"
        admin("DELETE /webhooks/{webhook}", webhook=made.id)
