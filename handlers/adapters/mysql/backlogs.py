"""Counts what waits in MySQL, for metrics: each is answered from an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.domain.record import FailedStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

COUNT_FAILED_EVENTS = query("count_failed_events")
COUNT_WEBHOOK_BACKLOG = query("count_webhook_backlog")


class Backlogs:
    """One transaction each. All raise UnavailableError without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def failed_events(self) -> Mapping[str, int]:
        """Return how many rows of failed_event are to be solved, by status; 0 where none is."""

        def work(cursor: Cursor) -> Mapping[str, int]:
            cursor.execute(COUNT_FAILED_EVENTS)
            none = {FailedStatus.PENDING.value: 0, FailedStatus.DEAD.value: 0}
            return none | {status: int(count) for status, count in cursor.fetchall()}

        return self._database.run(work)

    def webhooks(self) -> tuple[int, float]:
        """Return how many events wait for active webhooks, and how many s the first is due."""

        def work(cursor: Cursor) -> tuple[int, float]:
            cursor.execute(COUNT_WEBHOOK_BACKLOG)
            [(waiting, overdue_s)] = cursor.fetchall()
            return int(waiting), max(0.0, float(overdue_s or 0))

        return self._database.run(work)
