"""The proxy in front of a server does what its links are told, and leaves no socket open."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from local.servers.ports import HOST
from tests.faults.engine.links import DELAY_S, Way
from tests.faults.scene import PATIENCE_S, Scene, is_ended, wait_until

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
    end.sendall(b"answer")
    assert client.recv(6) == b"answer"


def just_come_in(scene: Scene) -> None:
    for _ in range(20):
        scene.client()


def without_an_answer_to_the_dial(scene: Scene) -> None:
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
    just_come_in(scene)


def under_way_with_more_than_the_server_takes(scene: Scene) -> None:
    client, _ = scene.pair()
    client.settimeout(0)
    with suppress(BlockingIOError):
        while client.send(MUCH):
            pass


def late(scene: Scene) -> None:
    scene.link.set(Way.SLOW)
    client, _ = scene.pair()
    client.sendall(b"ask")


def silent_with_both_ends_gone(scene: Scene) -> None:
    client, end = scene.pair()
    scene.link.set(Way.SILENT)
    client.close()
    end.close()


def deaf(scene: Scene) -> None:
    client, end = scene.pair()
    scene.link.set(Way.DEAF)
    client.sendall(b"ask")
    assert end.recv(3) == b"ask"
    end.sendall(b"answer")


def stranded(scene: Scene) -> None:
    client, _ = scene.pair()
    scene.link.strand()
    client.sendall(b"ask")


STATES = (
    idle,
    just_come_in,
    without_an_answer_to_the_dial,
    without_a_server,
    under_way_with_more_than_the_server_takes,
    late,
    silent_with_both_ends_gone,
    deaf,
    stranded,
)


@pytest.mark.parametrize("state", STATES)
def test_a_link_that_refuses_has_nothing_open(scene: Scene, state: Callable[[Scene], None]) -> None:
    state(scene)
    scene.link.refuse()
    assert scene.held() == []
    with pytest.raises(ConnectionRefusedError):
        scene.client()


@pytest.mark.parametrize("state", STATES)
def test_a_closed_proxy_has_nothing_open(scene: Scene, state: Callable[[Scene], None]) -> None:
    state(scene)
    scene.close()
    assert scene.held() == []


def test_what_is_cut_is_closed_at_both_ends_and_who_comes_next_is_welcome(scene: Scene) -> None:
    pairs = [scene.pair() for _ in range(10)]
    scene.link.cut()
    assert scene.held() == []
    assert all(is_ended(client) and is_ended(end) for client, end in pairs)
    idle(scene)


@pytest.mark.parametrize("gone", [0, 1])
def test_when_one_end_goes_away_the_other_one_hears_of_it(scene: Scene, gone: int) -> None:
    pair = scene.pair()
    pair[gone].close()
    assert is_ended(pair[1 - gone])
    wait_until(lambda: scene.held() == [])


def test_whom_the_server_refuses_is_sent_away(scene: Scene) -> None:
    scene.server.close()
    assert is_ended(scene.client())
    wait_until(lambda: scene.held() == [])


def test_a_silent_end_does_not_hear_of_the_other_ones_going_until_all_can_be_heard_again(
    scene: Scene,
) -> None:
    client, end = scene.pair()
    scene.link.set(Way.SILENT)
    end.close()
    wait_until(lambda: any(each.is_torn for each in scene.link._connections))
    client.settimeout(0)
    with pytest.raises(BlockingIOError):
        client.recv(1)
    client.settimeout(PATIENCE_S)
    scene.link.set(Way.OPEN)
    assert is_ended(client)
    assert scene.held() == []


@pytest.mark.parametrize("way", [Way.DEAF, Way.SILENT])
def test_who_has_lost_an_answer_loses_the_connection_and_nobody_else_does(
    scene: Scene, way: Way
) -> None:
    lucky, (client, end) = scene.pair(), scene.pair()
    scene.link.set(way)
    end.sendall(b"answer")
    wait_until(lambda: any(each.is_torn for each in scene.link._connections))
    scene.link.heal()
    assert is_ended(client)
    lucky[0].sendall(b"ask")
    assert lucky[1].recv(3) == b"ask"


def test_a_slow_link_brings_everything_in_order_and_late(scene: Scene) -> None:
    scene.link.set(Way.SLOW)
    client, end = scene.pair()
    started = time.monotonic()
    client.sendall(b"first")
    client.sendall(b"second")
    client.shutdown(socket.SHUT_WR)
    assert b"".join(iter(lambda: end.recv(100), b"")) == b"firstsecond"
    assert time.monotonic() - started >= DELAY_S


def test_who_comes_in_while_a_link_is_cut_refused_and_opened_again_leaves_nothing_open(
    scene: Scene,
) -> None:
    is_over = Event()

    def come() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                socket.create_connection((HOST, scene.link.port), PATIENCE_S).close()

    comers = [Thread(target=come) for _ in range(3)]
    for comer in comers:
        comer.start()
    for _ in range(50):
        scene.link.cut()
        scene.link.refuse()
        assert scene.held() == []
        scene.link.accept()
    scene.close()
    is_over.set()
    for comer in comers:
        comer.join()
    assert scene.held() == []
