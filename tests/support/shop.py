"""A shop's calls about a coupon, and an administrator's and a user's that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.consume import consume_handler
from tests.support.service import ask, kafka_event, message, rows

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

REDEEM = "coupon:redeem"


def shop(call: str, code: str, order: str | None = None, body: object = None) -> Response:
    """Call "GET /coupons/{code}" and the like as a shop."""
    path = {"code": code} | ({"order_id": order} if order else {})
    return ask(call, user="shop", scope=REDEEM, path=path, body=body)


def look(code: str) -> Response:
    return shop("GET /coupons/{code}", code)


def reserve(code: str, order: str, **more: Any) -> Response:
    return shop("POST /coupons/{code}/reservations", code, body={"order_id": order, **more})


def redeem(code: str, order: str) -> Response:
    return shop("POST /coupons/{code}/redemptions", code, body={"order_id": order})


def release(code: str, order: str) -> Response:
    return shop("DELETE /coupons/{code}/reservations/{order_id}", code, order)


def cancel(code: str, order: str) -> Response:
    return shop("DELETE /coupons/{code}/redemptions/{order_id}", code, order)


def issued(settings: Settings, campaign_id: str, user: str, serial: int = 1) -> str:
    """Let the consumer write a coupon; return its code."""
    consume_handler(kafka_event([message(campaign_id, user, serial)], serial), None)
    return code_of(settings, campaign_id, user)


def code_of(settings: Settings, campaign_id: str, user: str) -> str:
    statement = "SELECT code FROM coupon WHERE campaign_id = %s AND user_id = %s AND given_back = 0"
    [(code,)] = rows(settings, statement, campaign_id, user)
    return str(code)


def events(settings: Settings, campaign_id: str) -> list[tuple[str, str | None, str]]:
    """Return the kind, the order and the actor of a campaign's events, in order."""
    statement = "SELECT kind, order_id, actor FROM coupon_event WHERE campaign_id = %s ORDER BY id"
    return [(kind, order, actor) for kind, order, actor in rows(settings, statement, campaign_id)]
