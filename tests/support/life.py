"""Rows of coupons and events as the service writes them, at times that a test chooses."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pymysql

from tests.support.service import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

INSERT_COUPON = (
    "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at, created_at) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)
INSERT_EVENT = (
    "INSERT INTO coupon_event (campaign_id, serial, kind, actor, order_id, reason, detail, "
    "created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


@contextmanager
def transaction(settings: Settings) -> Iterator[pymysql.cursors.Cursor]:
    """Yield the cursor of a transaction that stays open until the block ends, and is committed."""
    address = settings.database_address
    assert address
    with (
        closing(
            pymysql.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor
        connection.commit()


def coupon_row(campaign_id: str, serial: int, at: str, created_at: str = "") -> tuple[Any, ...]:
    """Return the values of INSERT_COUPON; `at` is also the row's time unless that is given."""
    code = f"{campaign_id[-6:].upper()}{serial:010}"
    return campaign_id, f"user-{serial}", serial, code, at, created_at or at


def event_row(
    campaign_id: str, serial: int | None, kind: str, at: str, **values: str | None
) -> tuple[Any, ...]:
    """Return the values of INSERT_EVENT."""
    return (
        campaign_id,
        serial,
        kind,
        values.get("actor", "shop"),
        values.get("order_id"),
        values.get("reason"),
        values.get("detail"),
        at,
    )


def insert_coupon(settings: Settings, *values: Any) -> None:
    rows(settings, INSERT_COUPON, *coupon_row(*values))


def insert_event(
    settings: Settings, campaign_id: str, serial: int | None, kind: str, at: str, **values: str
) -> None:
    rows(settings, INSERT_EVENT, *event_row(campaign_id, serial, kind, at, **values))


def change_coupon(settings: Settings, campaign_id: str, serial: int, change: str) -> None:
    """Set columns of a coupon, e.g. "state = 'REVOKED'"."""
    statement = f"UPDATE coupon SET {change} WHERE campaign_id = %s AND serial = %s"
    rows(settings, statement, campaign_id, serial)
