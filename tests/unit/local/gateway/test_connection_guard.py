"""Which connections are too many for one address."""

from __future__ import annotations

import socket

import pytest

from local.gateway.connection_guard import excess, network
from local.gateway.connection_table import PeerConnection

HOARDER, OTHER = socket.inet_aton("203.0.113.7"), socket.inet_aton("198.51.100.1")


def connection(address: bytes, port: int, inode: int) -> PeerConnection:
    return PeerConnection(address, port.to_bytes(2), inode)


def many(address: bytes, count: int) -> list[PeerConnection]:
    return [connection(address, 1000 + number, 100 + number) for number in range(count)]


def test_no_connection_is_too_many_within_the_bound() -> None:
    assert excess([*many(HOARDER, 5), *many(OTHER, 5)], 5) == set()


def test_the_latest_connections_of_an_address_are_too_many() -> None:
    found = excess([*reversed(many(HOARDER, 7)), *many(OTHER, 5)], 5)
    assert found == {(HOARDER, port.to_bytes(2)) for port in (1005, 1006)}


def test_a_connection_that_is_not_accepted_yet_is_the_latest() -> None:
    waiting = connection(HOARDER, 9, inode=0)
    assert excess([waiting, *many(HOARDER, 5)], 5) == {(HOARDER, (9).to_bytes(2))}


def test_workers_that_see_the_same_connections_agree() -> None:
    found = many(HOARDER, 9)
    assert excess(found, 3) == excess(found[::-1], 3)


@pytest.mark.parametrize(
    ("one", "another", "are_the_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("::1", "::1", True),
    ],
)
def test_an_ipv6_customer_is_a_64_and_mapped_ipv4_is_not(
    one: str,
    another: str,
    are_the_same: bool,  # noqa: FBT001
) -> None:
    first, second = (network(socket.inet_pton(socket.AF_INET6, text)) for text in (one, another))
    assert (first == second) is are_the_same


def test_ipv4_is_one_address_however_the_socket_shows_it() -> None:
    mapped = socket.inet_pton(socket.AF_INET6, "::ffff:203.0.113.7")
    assert network(mapped) == network(HOARDER)
