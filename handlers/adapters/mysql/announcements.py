"""Writes into the outbox what happens by time: campaigns open and close, coupons expire.

Also that a campaign is sold out, which no single transaction of the consumers knows. Each event has
a name, and a row of that name is written once: running this again, or twice at once, adds nothing.
"""

from __future__ import annotations

from itertools import groupby, takewhile
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.effective_state import query_with_state
from handlers.adapters.mysql.outbox import SETTLED_S, add_expired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

OF_CAMPAIGNS = tuple(
    query(name)
    for name in (
        "insert_opened_deliveries",
        "insert_sold_out_deliveries",
        "insert_closed_deliveries",
    )
)
SELECT_CAMPAIGNS = query("select_campaigns_to_expire")
LOCK_EXPIRY = query("lock_webhook_expiry")
SELECT_EXPIRY = query("select_webhook_expiry")
SELECT_TO_EXPIRE = query("select_coupons_to_expire")
LOCK_COUPONS = query("lock_coupons_to_expire")
INSERT_RESERVED = query_with_state("insert_reserved_expiring")
UPDATE_EXPIRY = query("update_webhook_expiry")
SELECT_EXPIRING = query("select_due_expiring")
UPDATE_EXPIRING = query_with_state("update_webhook_expiring")

# Of one transaction; the next run goes on.
ROWS = 1000
# All coupons of a campaign that were written in time have been looked at so long after its end.
FINISHED_S = 2 * SETTLED_S


class Announcements:
    """Each call is one transaction. All raise UnavailableError without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaigns(self) -> int:
        """Add what campaigns have come to; return how many rows were new."""

        def work(cursor: Cursor) -> int:
            return sum(cursor.execute(statement, {"limit": ROWS}) for statement in OF_CAMPAIGNS)

        return self._database.run(work)

    def campaigns_to_expire(self) -> Sequence[str]:
        """Return campaigns whose coupons are to be looked at, the one that is due longest first."""

        def work(cursor: Cursor) -> Sequence[str]:
            cursor.execute(SELECT_CAMPAIGNS, {"limit": ROWS})
            return [campaign_id for (campaign_id,) in cursor.fetchall()]

        return self._database.run(work)

    def expire(self, campaign_id: str) -> bool:
        """Add coupon.expired for the next ROWS coupons; return whether there may be more.

        In the order of their rows, up to the first one whose time has not passed: it is looked at
        again then. Those that an order has reserved are left to `expire_single`, and hold up none.
        """

        def work(cursor: Cursor) -> bool:
            cursor.execute(LOCK_EXPIRY, {"campaign_id": campaign_id})
            cursor.execute(SELECT_EXPIRY, {"campaign_id": campaign_id})
            walked = cursor.fetchone()
            return walked is not None and _expire_next(cursor, campaign_id, *walked)

        return self._database.run(work)

    def expire_single(self) -> bool:
        """Look at ROWS coupons whose own moment has come; return whether there may be more.

        They were reserved when their time ended, or their rows were written late.
        """

        def work(cursor: Cursor) -> bool:
            cursor.execute(SELECT_EXPIRING, {"limit": ROWS})
            due = sorted(cursor.fetchall())
            for campaign_id, rows in groupby(due, itemgetter(0)):
                values = _locked(cursor, campaign_id, [serial for _, serial in rows])
                # First when to look again: where a coupon's time ends in between, it is announced,
                # and looked at once more.
                cursor.execute(UPDATE_EXPIRING, values)
                add_expired(cursor, **values)
            return len(due) == ROWS

        return self._database.run(work)


def _expire_next(cursor: Cursor, campaign_id: str, walked_at: object, walked_serial: int) -> bool:
    values = {"campaign_id": campaign_id, "walked_at": walked_at, "walked_serial": walked_serial}
    cursor.execute(SELECT_TO_EXPIRE, values | {"limit": ROWS, "settled_s": SETTLED_S})
    page = cursor.fetchall()
    past = list(takewhile(itemgetter(2), page))
    if past:
        locked = _locked(cursor, campaign_id, [serial for _, serial, _ in past])
        # Those that are reserved first: where a reservation ends in between, it is in both.
        cursor.execute(INSERT_RESERVED, locked)
        add_expired(cursor, **locked)
        values |= {"walked_at": past[-1][0], "walked_serial": past[-1][1]}
    has_more = len(past) == ROWS
    next_serial = page[len(past)][1] if len(past) < len(page) else None
    until = {"has_more": has_more, "next_serial": next_serial, "finished_s": FINISHED_S}
    cursor.execute(UPDATE_EXPIRY, values | until)
    return has_more


def _locked(cursor: Cursor, campaign_id: str, serials: list[int]) -> dict[str, Any]:
    """Let no order change these coupons until the commit; return which they are."""
    values = {"campaign_id": campaign_id, "serials": serials}
    cursor.execute(LOCK_COUPONS, values)
    cursor.fetchall()
    return values
