"""A shop's calls about a coupon, and an administrator's and a user's that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import coupon_clients, wiring
from handlers.adapters.redis.keys import CampaignKeys
from handlers.consume import consume_handler
from tests.support.service import ADMIN, apply, ask, kafka_event, message
from tests.support.single import admit_one

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

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


def stored(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Query MySQL over a connection of the service's."""

    def work(cursor: Cursor) -> list[tuple[Any, ...]]:
        cursor.execute(statement, values)
        return list(cursor.fetchall())

    return wiring.database().run(work)


def code_of(settings: Settings, campaign_id: str, user: str) -> str:
    statement = "SELECT code FROM coupon WHERE campaign_id = %s AND user_id = %s AND given_back = 0"
    assert settings
    [(code,)] = stored(statement, campaign_id, user)
    return str(code)


def events(settings: Settings, campaign_id: str) -> list[tuple[str, str | None, str]]:
    """Return the kind, the order and the actor of the events of a campaign's coupons, in order."""
    statement = (
        "SELECT kind, order_id, actor FROM coupon_event "
        "WHERE campaign_id = %s AND serial IS NOT NULL ORDER BY id"
    )
    assert settings
    return [(kind, order, actor) for kind, order, actor in stored(statement, campaign_id)]


def give_back(campaign_id: str, user: str) -> Response:
    return ask("DELETE /campaigns/{id}/coupon", campaign_id, user=user)


def revoke(code: str, **more: Any) -> Response:
    body = {"reason": "by mistake"} | more
    call = "POST /coupons/{code}/revocation"
    return ask(call, user="admin", scope=ADMIN, path={"code": code}, body=body)


def win(campaign_id: str, user: str) -> int:
    """Admit a user and let the consumer write the coupon; return the serial."""
    serial = admit_one(wiring.admissions(), campaign_id, user).serial
    assert serial, user
    consume_handler(kafka_event([message(campaign_id, user, serial)], serial), None)
    return serial


def holders(campaign_id: str) -> dict[str, int]:
    """Return who holds which serial in Redis."""
    key = CampaignKeys.of(campaign_id).applied_user
    found = wiring.scripts().command("ZRANGE", key, 0, -1, "WITHSCORES")
    return {
        user.decode(): int(serial) for user, serial in zip(found[::2], found[1::2], strict=True)
    }


def places(settings: Settings, campaign_id: str) -> tuple[int, int]:
    """Return how many places MySQL has returned, and how many of them Redis knows of."""
    statement = "SELECT places_returned FROM campaign WHERE id = %s"
    assert settings
    [(in_mysql,)] = stored(statement, campaign_id)
    [in_redis] = coupon_clients.places_in_redis().numbers([campaign_id])
    assert isinstance(in_redis, int)
    return in_mysql, in_redis


def outcomes(campaign_id: str, *users: str) -> list[str]:
    return [apply(campaign_id, user).code for user in users]
