"""The coupons in MySQL for the reconciliation: by serial, and by user with failed events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain.reconciliation.differences import Entry, Issued
from handlers.domain.reconciliation.law import StateCounts, StoredCampaign
from handlers.domain.record import FailedStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

SELECT_HIGHEST_SERIAL = query("select_highest_serial")
SELECT_SERIALS_PAGE = query("select_serials_page")
COUNT_STATES_PAGE = query("count_states_page")
SELECT_COUPONS_OF_USERS = query("select_coupons_of_users")


class MySqlCouponReader:
    """Each result is of one moment. All raise UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def snapshot(self, campaign_id: str) -> StoredCampaign:
        """Return the campaign; its quantity is None where there is none."""
        for quantity, highest, places in self._fetch(
            SELECT_HIGHEST_SERIAL, {"campaign_id": campaign_id}
        ):
            return StoredCampaign(quantity, highest or 0, places)
        return StoredCampaign(None, 0, 0)

    def states(self, campaign_id: str, after: int, through: int) -> StateCounts:
        """Return how many coupons with serials above `after` up to `through` are in each state."""
        page = {"campaign_id": campaign_id, "after": after, "through": through}
        [counts] = self._fetch(COUNT_STATES_PAGE, page)
        return StateCounts(*map(int, counts))

    def issued(self, campaign_id: str, after: int, through: int) -> list[Entry]:
        """Return the coupons' holders of serials above `after` up to `through`, by serial."""
        page = {"campaign_id": campaign_id, "after": after, "through": through}
        return [(serial, user) for serial, user in self._fetch(SELECT_SERIALS_PAGE, page)]

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> list[Issued]:
        """Return what is known about each of `users`, in their order."""
        values = {"campaign_id": campaign_id, "users": json.dumps(list(users))}
        found = {
            user: Issued(serial, FailedStatus(status) if status else None)
            for user, serial, status in self._fetch(SELECT_COUPONS_OF_USERS, values)
        }
        return [found[user] for user in users]

    def _fetch(self, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        def work(cursor: Cursor) -> Sequence[tuple[Any, ...]]:
            cursor.execute(statement, values)
            return cursor.fetchall()

        return self._database.run(work)
