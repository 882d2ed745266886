"""The fence of each campaign: MySQL's number of the history that Redis continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

RAISE_FENCE = query("raise_fence")


class Fences:
    """Raised by a rebuild before it reads anything. All raise UnavailableError without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_fence(self, campaign_id: str) -> int:
        """Return the campaign's new fence. A repeated call raises it again, which is harmless."""

        def work(cursor: Cursor) -> int:
            cursor.execute(RAISE_FENCE, {"id": campaign_id})
            cursor.execute("SELECT LAST_INSERT_ID()")
            [(fence,)] = cursor.fetchall()
            return int(fence)

        return self._database.run(work)
