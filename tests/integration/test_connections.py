"""The connections that the kernel lists, those that are closed, and the bound on a gateway."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from local.gateway.connection_guard import STALLED_TIMEOUT_S, limit_responses
from local.gateway.connection_table import PeerConnection, connections, socket_count
from local.gateway.own_sockets import OWN_DESCRIPTORS, close_connections, listener
from tests.support.gateway import ask, serving
from tests.support.log_lines import parsed
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILIES = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
BOUND = 8
TOO_MANY = "too many connections of one address: closed the latest"


class Pairs:
    """A listener of this process, with connections to it."""

    def __init__(self, stack: ExitStack, family: socket.AddressFamily) -> None:
        self._stack = stack
        self.family = family
        self.listener = stack.enter_context(
            socket.create_server((FAMILIES[family], 0), family=family)
        )
        self.port: int = self.listener.getsockname()[1]

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return the client's side of a new connection, and the server's."""
        client = self._stack.enter_context(socket.socket(self.family))
        client.settimeout(WAIT_S)
        client.connect(self.listener.getsockname())
        server, _ = self.listener.accept()
        return client, self._stack.enter_context(server)


@pytest.fixture(params=FAMILIES)
def pairs(request: pytest.FixtureRequest) -> Iterator[Pairs]:
    with ExitStack() as stack:
        yield Pairs(stack, request.param)


def key(client: socket.socket) -> tuple[bytes, bytes]:
    host, port = client.getsockname()[:2]
    return socket.inet_pton(client.family, host), port.to_bytes(2)


def test_the_kernel_lists_the_connections_of_one_port_by_their_peers(pairs: Pairs) -> None:
    clients = [pairs.connect()[0] for _ in range(50)]
    with ExitStack() as stack:
        Pairs(stack, pairs.family).connect()  # to another port
        found = connections(pairs.family, pairs.port)
    assert {(one.address, one.port) for one in found} == {key(client) for client in clients}
    assert all(one.inode for one in found)
    assert socket_count(pairs.family) >= len(clients)


def test_a_connection_that_is_not_accepted_is_listed_as_such(pairs: Pairs) -> None:
    with socket.create_connection(pairs.listener.getsockname()[:2]) as client:
        assert connections(pairs.family, pairs.port) == [PeerConnection(*key(client), inode=0)]


def test_a_port_without_connections_has_none(pairs: Pairs) -> None:
    assert connections(pairs.family, pairs.port) == []


def test_a_closed_connection_is_not_listed(pairs: Pairs) -> None:
    client, server = pairs.connect()
    client.close()
    assert len(connections(pairs.family, pairs.port)) == 1  # the server's side is open
    server.close()
    assert connections(pairs.family, pairs.port) == []


def test_the_doomed_connections_are_closed_and_no_other(pairs: Pairs) -> None:
    doomed, kept = pairs.connect(), pairs.connect()
    assert close_connections({key(doomed[0])}, pairs.port) == 1
    assert doomed[1].recv(1) == b""
    assert doomed[0].recv(1) == b""
    kept[0].sendall(b"x")
    assert kept[1].recv(1) == b"x"


def test_a_connection_of_this_process_to_another_port_is_not_closed(pairs: Pairs) -> None:
    client, server = pairs.connect()
    assert close_connections({key(client)}, pairs.port + 1) == 0
    client.sendall(b"x")
    assert server.recv(1) == b"x"


def test_connections_inherit_the_limits_of_the_listener_that_is_found(pairs: Pairs) -> None:
    found = listener(pairs.port)
    assert found
    with found:
        limit_responses(found)
    _, server = pairs.connect()
    option = server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert option == STALLED_TIMEOUT_S * 1000


def test_the_search_for_the_listener_leaves_no_descriptor_open(pairs: Pairs) -> None:
    before = set(OWN_DESCRIPTORS.iterdir())
    for port in (pairs.port, 1):
        if found := listener(port):
            found.close()
    assert set(OWN_DESCRIPTORS.iterdir()) <= before


def test_a_port_on_which_nothing_listens_has_no_listener(pairs: Pairs) -> None:
    port = pairs.port
    pairs.listener.close()
    assert listener(port) is None


def hoard(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    address = ("127.0.0.1", port)
    return [
        stack.enter_context(
            socket.create_connection(address, WAIT_S, source_address=("127.0.0.66", 0))
        )
        for _ in range(count)
    ]


def still_open(clients: list[socket.socket]) -> list[socket.socket]:
    def is_open(client: socket.socket) -> bool:
        client.setblocking(False)  # noqa: FBT003 - the standard library's
        try:
            return client.recv(1) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False

    return [client for client in clients if is_open(client)]


def closed(log: list[str]) -> int:
    lines = parsed(log)
    assert {line["message"] for line in lines} <= {TOO_MANY}
    return sum(line["count"] for line in lines)


def test_one_address_keeps_its_bound_of_connections_over_all_workers() -> None:
    with serving(f"--connections-per-address={BOUND}") as (program, port), ExitStack() as stack:
        clients = hoard(stack, port, 5 * BOUND)
        eventually(lambda: len(still_open(clients)) <= BOUND, "the excess is closed")
        assert len(still_open(clients)) == BOUND
        assert ask(port, "GET", "/echo/1")[0].status == 200
        eventually(lambda: closed(program.err.seen) == 4 * BOUND, "the log says how many")
        assert program.stop() == 0


@pytest.mark.parametrize("option", ["--connections-per-address=0", "--behind-proxy=1"])
def test_without_the_bound_or_behind_a_proxy_no_connection_is_closed(option: str) -> None:
    bound = f"--connections-per-address={BOUND}"
    with serving(bound, option) as (program, port), ExitStack() as stack:
        clients = hoard(stack, port, 5 * BOUND)
        for client in clients:
            client.sendall(b"GET /echo/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        assert program.stop() == 0
        assert program.err.seen == []


def test_behind_a_proxy_the_client_is_the_one_that_the_proxy_names() -> None:
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    for option, expected in (("0", "127.0.0.1"), ("1", "203.0.113.7"), ("2", "198.51.100.1")):
        with serving(f"--behind-proxy={option}") as (_, port):
            body = ask(port, "GET", "/echo/1", headers=headers)[1]
        assert f'"sourceIp": "{expected}"' in body.decode()
