"""What a shop's calls refuse: codes that do not exist, bad bodies, tokens without the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.service import ADMIN, ask, create_campaign, rows
from tests.support.shop import REDEEM, cancel, issued, look, redeem, reserve, shop

if TYPE_CHECKING:
    from handlers.config import Settings


@pytest.fixture
def code(service: Settings, campaign_id: str) -> str:
    create_campaign(campaign_id)
    return issued(service, campaign_id, "42")


@pytest.mark.parametrize("code", ["0" * 16, "0" * 15, "o" * 16, "' OR 1=1 --", "", "쿠폰"])
def test_a_code_that_no_coupon_has_is_not_found(service: Settings, code: str) -> None:
    assert service
    for response in (look(code), reserve(code, "a"), redeem(code, "a"), cancel(code, "a")):
        assert (response.status, response.code) == (404, "COUPON_NOT_FOUND")


BAD_BODIES: list[tuple[Any, str]] = [
    ({}, "order_id:"),
    ({"order_id": 7}, "order_id:"),
    ({"order_id": ""}, "order_id:"),
    ({"order_id": "a/b"}, "order_id:"),
    ({"order_id": ".."}, "order_id:"),
    ({"order_id": "x" * 65}, "order_id:"),
    ({"order_id": "a", "ttl_s": 0}, "ttl_s:"),
    ({"order_id": "a", "ttl_s": 86_401}, "ttl_s:"),
    ({"order_id": "a", "ttl_s": True}, "ttl_s:"),
    ({"order_id": "a", "ttl_s": "60"}, "ttl_s:"),
    ({"order_id": "a", "ttl_s": None}, "ttl_s:"),
    ({"order_id": "a", "ttl": 60}, "'ttl' is no field"),
    ([], "body:"),
    (None, "body:"),
]


@pytest.mark.parametrize(("body", "named"), BAD_BODIES)
def test_a_bad_body_is_refused_by_name(service: Settings, code: str, body: Any, named: str) -> None:
    refused = shop("POST /coupons/{code}/reservations", code, body=body)
    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
    assert refused.body["detail"].startswith(named)
    assert rows(service, "SELECT state FROM coupon") == [("ISSUED",)]


def test_only_a_shop_and_an_administrator_may_ask(service: Settings, code: str) -> None:
    assert service
    for call in ("GET /coupons/{code}", "DELETE /coupons/{code}/redemptions/{order_id}"):
        path = {"code": code, "order_id": "a"}
        assert ask(call, path=path).status == 401
        refused = ask(call, user="42", path=path)
        assert (refused.status, refused.body["detail"]) == (
            403,
            "This call needs the scope coupon:redeem.",
        )
        assert ask(call, user="a", scope=ADMIN, path=path).status in {200, 204}
        assert ask(call, user="a", scope=f"other {REDEEM}", path=path).status in {200, 204}
    assert ask("GET /campaigns/{id}/stats", "any", user="shop", scope=REDEEM).status == 403
