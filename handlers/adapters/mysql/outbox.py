"""Writes what webhooks are sent (webhook_delivery), in the transaction of what happened.

So an event is sent if and only if its change is committed. A service without webhooks pays for one
SELECT of a row, and the transaction waits for no sender.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.domain.webhook_event import OF_COUPON_EVENT, WebhookEventKind, event_id

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.domain.coupon_event import CouponEvent

SELECT_WANTS_KIND = query("select_wants_kind")
INSERT_ISSUED = query("insert_issued_deliveries")
INSERT_OF_COUPON = query("insert_coupon_delivery")


def add_issued(cursor: Cursor, rows: str) -> None:
    """Add coupon.issued for those of `rows` that are stored, as the statement sees them now.

    rows: what insert_coupons.sql has as %(rows)s. Writing the same again adds nothing.
    """
    if cursor.execute(SELECT_WANTS_KIND, {"kind": WebhookEventKind.ISSUED}):
        cursor.execute(INSERT_ISSUED, {"rows": rows})


def add_change(cursor: Cursor, event: CouponEvent, event_row: int) -> None:
    """Add what webhooks are sent of a coupon's change; nothing for a change that they are not sent.

    event_row: the id of the event's row in coupon_event, so that the same change has the same name
    and a coupon may be used, cancelled and used again.
    The code is event.detail["code"], and without one that of the coupon's row at this moment: where
    a change gives the row another code, the event must name the one that its user had.
    """
    kind = OF_COUPON_EVENT.get(event.kind)
    if kind is None or event.serial is None:
        return
    detail = {"order_id": event.order_id, "reason": event.reason, "change": event.kind.value}
    cursor.execute(
        INSERT_OF_COUPON,
        {
            "event_id": event_id(kind, event.campaign_id, event.serial, event_row),
            "kind": kind,
            "campaign_id": event.campaign_id,
            "serial": event.serial,
            "code": event.detail.get("code"),
            "detail": json.dumps({name: text for name, text in detail.items() if text}),
        },
    )
