"""The fences of the campaigns, and how far the rebuild of each has read the topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.domain.errors import StaleStateError
from handlers.domain.fence import FenceOffset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

RAISE_FENCE = query("raise_fence")
LOCK_CAMPAIGN = query("lock_campaign")
INSERT_FENCE_OFFSET = query("insert_fence_offset")
SELECT_FENCE_OFFSETS = query("select_fence_offsets")


class Fences:
    """Each call is one transaction. All raise UnavailableError without MySQL."""

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

    def offsets(self, campaign_id: str) -> Sequence[FenceOffset]:
        """Return how far the rebuilds before have read the topic."""
        return self._database.run(lambda cursor: select_offsets(cursor, campaign_id))

    def store_offsets(
        self, campaign_id: str, fence: int, topic: str, ends: Mapping[int, int]
    ) -> None:
        """Store how far the rebuild of `fence` has read each partition of the topic.

        Waits for the transactions that write coupons of the campaign: what they have written by
        then, a rebuild that reads the coupons afterwards finds. Raises StaleStateError where a
        later rebuild has the campaign: Redis, which compares the fences, may have forgotten it.
        """

        def work(cursor: Cursor) -> None:
            cursor.execute(LOCK_CAMPAIGN, {"campaign_id": campaign_id})
            if cursor.fetchone() != (fence,):
                raise StaleStateError
            for partition, offset in ends.items():
                values = {"partition_no": partition, "offset_no": offset, "topic": topic}
                ids = {"campaign_id": campaign_id, "fence": fence}
                cursor.execute(INSERT_FENCE_OFFSET, values | ids)

        self._database.run(work)


def select_offsets(cursor: Cursor, campaign_id: str) -> Sequence[FenceOffset]:
    """Return the same within a transaction."""
    cursor.execute(SELECT_FENCE_OFFSETS, {"campaign_id": campaign_id})
    return [FenceOffset(*row) for row in cursor.fetchall()]
