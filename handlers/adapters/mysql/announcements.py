"""Writes into the outbox what happens by time: campaigns open and close, coupons expire.

Also that a campaign is sold out, which no single transaction of the consumers knows. Each event has
a name, and a row of that name is written once: running this again, or twice at once, adds nothing.
"""

from __future__ import annotations

from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query

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
SELECT_CAMPAIGNS = query("select_campaigns_with_expired")
LOCK_EXPIRY = query("insert_webhook_expiry")
SELECT_TO_EXPIRE = query("select_coupons_to_expire")
INSERT_EXPIRED = query("insert_expired_deliveries")
UPDATE_EXPIRY = query("update_webhook_expiry")

# Of one transaction; the next run goes on.
ROWS = 1000


class Announcements:
    """Each call is one transaction. All raise UnavailableError without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaigns(self) -> int:
        """Add what campaigns have come to; return how many rows were new."""

        def work(cursor: Cursor) -> int:
            return sum(cursor.execute(statement, {"limit": ROWS}) for statement in OF_CAMPAIGNS)

        return self._database.run(work)

    def campaigns_with_expired(self) -> Sequence[str]:
        """Return the campaigns of which coupons have passed their time since the last look."""

        def work(cursor: Cursor) -> Sequence[str]:
            cursor.execute(SELECT_CAMPAIGNS)
            return [campaign_id for (campaign_id,) in cursor.fetchall()]

        return self._database.run(work)

    def expired(self, campaign_id: str) -> bool:
        """Add coupon.expired for the next ROWS coupons; return whether there may be more.

        By serial, up to the first coupon whose time has not passed: it is looked at again.
        """

        def work(cursor: Cursor) -> bool:
            cursor.execute(LOCK_EXPIRY, {"campaign_id": campaign_id})
            cursor.execute(SELECT_TO_EXPIRE, {"campaign_id": campaign_id, "limit": ROWS})
            past = list(takewhile(itemgetter(1), cursor.fetchall()))
            if past:
                values = {"campaign_id": campaign_id, "last": past[-1][0]}
                cursor.execute(INSERT_EXPIRED, values)
                cursor.execute(UPDATE_EXPIRY, values)
            return len(past) == ROWS

        return self._database.run(work)
