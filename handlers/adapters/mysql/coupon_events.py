"""Adds rows to `coupon_event`, each in the transaction of the change that it tells of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.outbox import add_change

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.domain.coupon_event import CouponEvent

INSERT_EVENT = query("insert_coupon_event")


def add_event(cursor: Cursor, event: CouponEvent) -> None:
    """Insert one row, and what webhooks are sent of it, within the transaction of `cursor`."""
    detail = json.dumps(event.detail, ensure_ascii=False) if event.detail else None
    cursor.execute(
        INSERT_EVENT,
        {
            "campaign_id": event.campaign_id,
            "serial": event.serial,
            "kind": event.kind.value,
            "actor": event.actor,
            "order_id": event.order_id,
            "reason": event.reason,
            "detail": detail,
        },
    )
    add_change(cursor, event, cursor.lastrowid)
