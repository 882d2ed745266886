"""Writes what webhooks are sent (webhook_delivery), in the transaction of what happened.

So an event is sent if and only if its change is committed. A service without webhooks pays for one
SELECT of a row, and the transaction waits for no sender.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.effective_state import query_with_state
from handlers.domain.webhook_event import OF_COUPON_EVENT, WebhookEventKind, event_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.domain.coupon_event import CouponEvent

SELECT_WANTED_KINDS = query("select_wanted_kinds")
INSERT_ISSUED = query("insert_issued_deliveries")
INSERT_LATE = query("insert_late_expiring")
INSERT_OF_COUPON = query("insert_coupon_delivery")
INSERT_EXPIRED = query_with_state("insert_expired_deliveries")

# Coupons that are usable for days expire in the order of their rows, but for this long. A consumer
# that is further behind writes one more row for each of them.
LATE_S = 10
# A transaction takes less: all rows that are so old are committed.
SETTLED_S = 60


def add_issued(cursor: Cursor, rows: str) -> None:
    """Add coupon.issued for those of `rows` that are stored, as the statement sees them now.

    rows: what insert_coupons.sql has as %(rows)s. Writing the same again adds nothing.
    """
    if not cursor.execute(SELECT_WANTED_KINDS, {}):
        return
    wants_issued, wants_expired = zip(*cursor.fetchall(), strict=True)
    if any(wants_issued):
        cursor.execute(INSERT_ISSUED, {"rows": rows})
    if any(wants_expired):
        values = {"rows": rows, "late_s": LATE_S, "settled_s": SETTLED_S}
        cursor.execute(INSERT_LATE, values)


def add_expired(
    cursor: Cursor, campaign_id: str, serials: Sequence[int], *, ends_now: bool = False
) -> None:
    """Add coupon.expired for those of `serials` that have expired; others add nothing.

    ends_now: they have just been released, after their time.
    """
    values = {"campaign_id": campaign_id, "serials": serials, "ends_now": ends_now}
    cursor.execute(INSERT_EXPIRED, values)


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
    if kind is WebhookEventKind.RELEASED:
        # Its time may be over. By the clock after the change, which has locked the coupon: a
        # scheduler that looked at it before the lock was too early for it.
        add_expired(cursor, event.campaign_id, [event.serial], ends_now=True)
