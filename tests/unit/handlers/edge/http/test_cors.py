"""handlers/edge/http/cors.py: which headers an origin gets."""

from __future__ import annotations

import pytest

from handlers.edge.http.cors import cors_headers, preflight_response

SHOP = "https://shop.example.com"
ORIGINS = frozenset({SHOP, "https://other.example.com"})
OTHERS = [None, "", "null", "https://shop.example.com.evil.example", "http://shop.example.com", "*"]


def test_an_origin_that_may_call_reads_the_answer_and_the_headers_that_pages_need() -> None:
    assert cors_headers(ORIGINS, SHOP) == {
        "Access-Control-Allow-Origin": SHOP,
        "Access-Control-Expose-Headers": "Date, ETag, Retry-After, x-amzn-RequestId",
        "Vary": "Origin",
    }


@pytest.mark.parametrize("origin", OTHERS)
def test_any_other_origin_gets_no_header_but_caches_keep_the_answers_apart(
    origin: str | None,
) -> None:
    assert cors_headers(ORIGINS, origin) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [SHOP, *OTHERS])
def test_where_no_origin_may_call_there_is_no_header_at_all(origin: str | None) -> None:
    assert cors_headers(frozenset(), origin) == {}


def test_a_preflight_says_what_may_be_sent_and_for_how_long_that_holds() -> None:
    headers = {"origin": SHOP, "access-control-request-method": "PATCH"}
    response = preflight_response(ORIGINS, "GET, HEAD, PATCH", headers)
    assert response
    assert (response["statusCode"], response["body"]) == (204, "")
    assert response["headers"] == {
        "Access-Control-Allow-Methods": "GET, HEAD, PATCH",
        "Access-Control-Allow-Headers": "Authorization, Challenge-Solution, Content-Type, If-Match",
        "Access-Control-Max-Age": "7200",
        "Cache-Control": "no-store",
    }


@pytest.mark.parametrize("origin", OTHERS)
def test_a_preflight_of_another_origin_is_none(origin: str | None) -> None:
    headers = {"origin": origin, "access-control-request-method": "GET"} if origin else {}
    assert preflight_response(ORIGINS, "GET", {k: v for k, v in headers.items() if v}) is None


def test_options_without_the_method_that_is_asked_for_is_no_preflight() -> None:
    assert preflight_response(ORIGINS, "GET", {"origin": SHOP}) is None
