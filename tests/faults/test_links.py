"""The proxy in front of a server obeys its links, and leaves no socket open."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from local.servers.ports import HOST
from tests.faults.engine.links import DELAY_S, LinkMode
from tests.faults.scene import TIMEOUT_S, Scene, is_ended, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# More than the buffers of two sockets hold.
MUCH = b"x" * 32_000_000


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as cleanup:
        yield Scene(cleanup)


def idle(scene: Scene) -> None:
    client, end = scene.pair()
    client.sendall(b"ask")
    assert end.recv(3) == b"ask"
    end.sendall(b"result")
    assert client.recv(6) == b"result"


def just_connected(scene: Scene) -> None:
    for _ in range(20):
        scene.client()


def without_an_accepted_connection(scene: Scene) -> None:
    """The server's queue is full, so that the kernel does not complete a connection to it."""
    scene.link.target = _full(scene)
    for _ in range(5):
        scene.client()
    wait_until(lambda: len(scene.link._connections) == 5)


def _full(scene: Scene) -> int:
    full = scene.own(socket.create_server((HOST, 0), backlog=0))
    port: int = full.getsockname()[1]
    for _ in range(3):
        waiting = scene.own(socket.socket())
        waiting.settimeout(0)
        waiting.connect_ex((HOST, port))
    return port


def without_a_server(scene: Scene) -> None:
    scene.server.close()
    just_connected(scene)


def in_flight_with_more_than_the_server_takes(scene: Scene) -> None:
    client, _ = scene.pair()
    client.settimeout(0)
    with suppress(BlockingIOError):
        while client.send(MUCH):
            pass  # until nothing more is taken


def late(scene: Scene) -> None:
    scene.link.set(LinkMode.SLOW)
    client, _ = scene.pair()
    client.sendall(b"ask")


def silent_with_both_ends_closed(scene: Scene) -> None:
    client, end = scene.pair()
    scene.link.set(LinkMode.SILENT)
    client.close()
    end.close()


def deaf(scene: Scene) -> None:
    client, end = scene.pair()
    scene.link.set(LinkMode.DEAF)
    client.sendall(b"ask")
    assert end.recv(3) == b"ask"
    end.sendall(b"result")


def stranded(scene: Scene) -> None:
    client, _ = scene.pair()
    scene.link.strand()
    client.sendall(b"ask")


STATES = (
    idle,
    just_connected,
    without_an_accepted_connection,
    without_a_server,
    in_flight_with_more_than_the_server_takes,
    late,
    silent_with_both_ends_closed,
    deaf,
    stranded,
)


@pytest.mark.parametrize("state", STATES)
def test_a_link_that_refuses_has_nothing_open(scene: Scene, state: Callable[[Scene], None]) -> None:
    state(scene)
    scene.link.refuse()
    assert scene.open_connections() == []
    with pytest.raises(ConnectionRefusedError):
        scene.client()


@pytest.mark.parametrize("state", STATES)
def test_a_closed_proxy_has_nothing_open(scene: Scene, state: Callable[[Scene], None]) -> None:
    state(scene)
    scene.close()
    assert scene.open_connections() == []


def test_a_cut_closes_both_ends_and_the_next_client_connects(scene: Scene) -> None:
    pairs = [scene.pair() for _ in range(10)]
    scene.link.cut()
    assert scene.open_connections() == []
    assert all(is_ended(client) and is_ended(end) for client, end in pairs)
    idle(scene)


@pytest.mark.parametrize("closed", [0, 1])
def test_when_one_end_closes_the_other_one_sees_it(scene: Scene, closed: int) -> None:
    pair = scene.pair()
    pair[closed].close()
    assert is_ended(pair[1 - closed])
    wait_until(lambda: scene.open_connections() == [])


def test_a_client_that_the_server_refuses_is_refused_by_the_link(scene: Scene) -> None:
    scene.server.close()
    assert is_ended(scene.client())
    wait_until(lambda: scene.open_connections() == [])


def test_on_a_silent_link_one_end_sees_the_others_close_only_after_the_link_opens_again(
    scene: Scene,
) -> None:
    client, end = scene.pair()
    scene.link.set(LinkMode.SILENT)
    end.close()
    wait_until(lambda: any(each.is_torn for each in scene.link._connections))
    client.settimeout(0)
    with pytest.raises(BlockingIOError):
        client.recv(1)
    client.settimeout(TIMEOUT_S)
    scene.link.set(LinkMode.OPEN)
    assert is_ended(client)
    assert scene.open_connections() == []


@pytest.mark.parametrize("mode", [LinkMode.DEAF, LinkMode.SILENT])
def test_only_a_client_that_lost_a_response_loses_its_connection(
    scene: Scene, mode: LinkMode
) -> None:
    lucky, (client, end) = scene.pair(), scene.pair()
    scene.link.set(mode)
    end.sendall(b"result")
    wait_until(lambda: any(each.is_torn for each in scene.link._connections))
    scene.link.heal()
    assert is_ended(client)
    lucky[0].sendall(b"ask")
    assert lucky[1].recv(3) == b"ask"


def test_a_slow_link_delivers_all_bytes_late_and_in_order(scene: Scene) -> None:
    scene.link.set(LinkMode.SLOW)
    client, end = scene.pair()
    started = time.monotonic()
    client.sendall(b"first")
    client.sendall(b"second")
    client.shutdown(socket.SHUT_WR)
    assert b"".join(iter(lambda: end.recv(100), b"")) == b"firstsecond"
    assert time.monotonic() - started >= DELAY_S


def test_clients_that_connect_while_a_link_is_cut_refused_and_opened_leave_nothing_open(
    scene: Scene,
) -> None:
    is_over = Event()

    def connect() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                socket.create_connection((HOST, scene.link.port), TIMEOUT_S).close()

    clients = [Thread(target=connect) for _ in range(3)]
    for client in clients:
        client.start()
    for _ in range(50):
        scene.link.cut()
        scene.link.refuse()
        assert scene.open_connections() == []
        scene.link.accept()
    scene.close()
    is_over.set()
    for client in clients:
        client.join()
    assert scene.open_connections() == []
