"""Coupons whose time ends, and a shop that is sent their events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.receiver import issue, let_rows_settle, receiver_of_everything, send
from tests.support.service import ADMIN, ask, create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver
    from tests.support.service import Response

ORDER = "order-1"
RESERVE = "POST /coupons/{code}/reservations"
USE = "POST /coupons/{code}/redemptions"
RELEASE = "DELETE /coupons/{code}/reservations/{order_id}"
CANCEL = "DELETE /coupons/{code}/redemptions/{order_id}"


@contextmanager
def seven_coupons(settings: Settings, campaign_id: str) -> Iterator[Receiver]:
    """Run a shop that was sent that seven coupons were issued; they can be used for an hour."""
    with receiver_of_everything(settings) as shop:
        create_campaign(campaign_id)
        issue(campaign_id, *range(1, 8))
        let_rows_settle(settings)
        until(settings, "UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
        send()
        shop.received.clear()
        yield shop


def until(settings: Settings, moment: str) -> None:
    """Let all coupons be usable until `moment`, an SQL expression."""
    rows(settings, f"UPDATE campaign SET usable_until = {moment}")


def end(settings: Settings) -> None:
    """Let the time of all coupons end now."""
    until(settings, "UTC_TIMESTAMP(3)")


def expired(campaign_id: str, *serials: int) -> list[str]:
    """Return the ids of coupon.expired of these serials."""
    return [f"coupon_expired:{campaign_id}:{serial}" for serial in serials]


def of_order(settings: Settings, call: str, serial: int) -> Response:
    """Call in the name of an order."""
    [(code,)] = rows(settings, "SELECT code FROM coupon WHERE serial = %s", serial)
    body: dict[str, object] | None = {"order_id": ORDER} if call in (RESERVE, USE) else None
    if body and call == RESERVE:
        body["ttl_s"] = 900
    path = {"code": code} | ({} if body else {"order_id": ORDER})
    return ask(call, user="shop", scope=ADMIN, body=body, path=path)


def reserve(settings: Settings, serial: int) -> None:
    """Reserve a coupon for a quarter of an hour."""
    assert of_order(settings, RESERVE, serial).status == 201
