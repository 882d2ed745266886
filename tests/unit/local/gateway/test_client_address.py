"""Whose address counts behind proxies, and that a client cannot choose it."""

from __future__ import annotations

import json

import pytest

from local.gateway.client_address import client_address
from local.gateway.invocation import Call
from tests.support.rsgi import Route, Scope, echo

PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded_for", "proxies", "expected"),
    [
        # No proxy is trusted: the header is what the client says of itself.
        (["203.0.113.7"], 0, PEER),
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["203.0.113.7, 10.0.0.2"], 2, "203.0.113.7"),
        # What stands further to the left, the client may have written.
        (["198.51.100.9, 203.0.113.7"], 1, "203.0.113.7"),
        (["198.51.100.9,203.0.113.7 , 10.0.0.2"], 2, "203.0.113.7"),
        # Several headers are one list.
        (["198.51.100.9", "203.0.113.7"], 1, "203.0.113.7"),
        (["198.51.100.9, 203.0.113.7", "10.0.0.2"], 2, "203.0.113.7"),
        (["2001:db8::7"], 1, "2001:db8::7"),
        # Some proxies add the port.
        (["203.0.113.7:40000"], 1, "203.0.113.7"),
        (["[2001:db8::7]:40000"], 1, "2001:db8::7"),
        (["[2001:db8::7]"], 1, "2001:db8::7"),
        # Ill-formed, or fewer entries than proxies: the peer's.
        ([], 1, PEER),
        ([""], 1, PEER),
        (["203.0.113.7"], 2, PEER),
        (["203.0.113.7, unknown"], 1, PEER),
        (["203.0.113.7,"], 1, PEER),
        (["unknown, 10.0.0.2"], 2, PEER),
        (["203.0.113.7\0"], 1, PEER),
        (["203.0.113.\u0667"], 1, PEER),
        (["203.0.113.777"], 1, PEER),
        (["fe80::1%eth0"], 1, PEER),
        (["a" * 100_000], 1, PEER),
        (["," * 100_000], 1, PEER),
    ],
)
def test_the_entry_of_the_outermost_trusted_proxy_is_the_client(
    forwarded_for: list[str], proxies: int, expected: str
) -> None:
    assert client_address(PEER, forwarded_for, proxies) == expected


@pytest.mark.parametrize(("proxies", "expected"), [(0, "203.0.113.7"), (1, "192.0.2.8")])
def test_the_event_has_the_clients_address_and_the_way_to_it(proxies: int, expected: str) -> None:
    scope = Scope("GET", "/", "", ("x-forwarded-for", "198.51.100.1, 192.0.2.8"))
    event = Call(Route("GET", "/", echo), None, scope, b"", "1", "local", proxies).event()
    assert event["requestContext"]["identity"]["sourceIp"] == expected
    # As API Gateway does, it appends the peer of the connection.
    assert event["headers"]["X-Forwarded-For"] == "198.51.100.1, 192.0.2.8, 203.0.113.7"
    assert json.dumps(event)
