"""handlers/edge/http/client_ip.py and Request.address: which client a request counts for."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.edge.http.client_ip import rate_limit_key
from handlers.edge.http.request import Request


def address_of(**event: Any) -> str:
    return Request.of(event, "request-1", {}).address()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - an address like any other
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
    ],
)
def test_an_address_is_counted_as_what_one_customer_has(address: str, counted: str) -> None:
    assert rate_limit_key(address) == counted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "unknown",
        "test-invoke-source-ip",  # the source address of API Gateway's console
        "203.0.113",
        "203.0.113.256",
        "203.0.113.7:80",
        "203.0.113.7, 198.51.100.1",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "2001:db8:::1",
        "203.0.113.7\0",
        "\uff12\uff10\uff13.0.113.7",  # digits of another script
        "::\ud800",
        "window",
        "user:42",
        "9" * 5000,
    ],
)
def test_an_invalid_address_is_not_counted(text: str) -> None:
    assert rate_limit_key(text) == ""


def test_the_address_is_the_one_that_api_gateway_has_seen() -> None:
    identity = {"sourceIp": "203.0.113.7"}
    assert address_of(requestContext={"identity": identity}) == "203.0.113.7"


def test_what_a_client_writes_itself_is_never_its_address() -> None:
    forged = dict.fromkeys(("X-Forwarded-For", "Forwarded", "X-Real-IP"), "198.51.100.1")
    assert address_of(headers=forged) == ""
    identity = {"sourceIp": "203.0.113.7"}
    assert address_of(headers=forged, requestContext={"identity": identity}) == "203.0.113.7"


@pytest.mark.parametrize(
    "context",
    [None, {}, {"identity": None}, {"identity": {}}, {"identity": {"sourceIp": None}}],
)
def test_an_event_without_an_address_is_read_all_the_same(context: dict[str, Any] | None) -> None:
    assert address_of(requestContext=context) == ""
