"""An administrator's side of the outbox: what was sent, and sending it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.errors import DeliveryNotFoundError, WebhookNotFoundError, WebhookOffError
from handlers.domain.webhook import WebhookState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

LOCK_WEBHOOK = query("lock_webhook")
SELECT_TIME = query("select_delivery_time")
SELECT_PAGE = query("select_deliveries_page")
REPLAY_ONE = query("replay_delivery")
REPLAY_MANY = query("replay_deliveries")
SELECT_WEBHOOK_STATE = "SELECT 1 FROM webhook WHERE id = %(id)s AND state <> 'DELETED'"


class DeliveryLog:
    """One transaction each. All raise UnavailableError without MySQL, and WebhookNotFoundError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, webhook_id: str, after: str | None, status: str | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Return deliveries, the newest first, as dicts of the table's columns.

        after: the event with which the page before ended; raises DeliveryNotFoundError for an
        unknown one.
        """

        def work(cursor: Cursor) -> Sequence[dict[str, Any]]:
            if not cursor.execute(SELECT_WEBHOOK_STATE, {"id": webhook_id}):
                raise WebhookNotFoundError
            values = {"webhook_id": webhook_id, "status": status, "limit": limit, "after": after}
            cursor.execute(SELECT_PAGE, values | {"created_at": _time(cursor, webhook_id, after)})
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self._database.run(work)

    def replay(self, webhook_id: str, event_id: str) -> None:
        """Let one event be sent once more, whatever became of it.

        Raises WebhookOffError, and DeliveryNotFoundError.
        """

        def work(cursor: Cursor) -> None:
            _require_active(cursor, webhook_id)
            if not cursor.execute(REPLAY_ONE, {"webhook_id": webhook_id, "event_id": event_id}):
                _time(cursor, webhook_id, event_id)  # it may stand as the replay leaves it

        self._database.run(work)

    def replay_failed(self, webhook_id: str, since_ms: int, limit: int) -> int:
        """Let up to `limit` be sent once more that did not arrive, created since then.

        Return how many there were; raise WebhookOffError.
        """

        def work(cursor: Cursor) -> int:
            _require_active(cursor, webhook_id)
            since = times.to_mysql(since_ms)
            values = {"webhook_id": webhook_id, "since": since, "limit": limit}
            return cursor.execute(REPLAY_MANY, values)

        return self._database.run(work)


def _require_active(cursor: Cursor, webhook_id: str) -> None:
    cursor.execute(LOCK_WEBHOOK, {"id": webhook_id})
    states = [state for (state,) in cursor.fetchall()]
    if not states:
        raise WebhookNotFoundError
    if states != [WebhookState.ACTIVE]:
        raise WebhookOffError


def _time(cursor: Cursor, webhook_id: str, event_id: str | None) -> object:
    if event_id is None:
        return None
    cursor.execute(SELECT_TIME, {"webhook_id": webhook_id, "event_id": event_id})
    for (created_at,) in cursor.fetchall():
        return created_at
    raise DeliveryNotFoundError
