"""The sender's side of the outbox: takes what is due, and notes what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.webhook_attempt import DueDelivery
from handlers.domain.webhook_event import WebhookEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.webhook import Webhook
    from handlers.domain.webhook_attempt import WebhookAttempt

SELECT_DUE = query("select_due_deliveries")
BURY = query("bury_deliveries")
LEASE = query("lease_deliveries")
SELECT_EVENTS = query("select_deliveries")
UPDATE_ARRIVED = query("update_arrived_delivery")
UPDATE_FAILED = query("update_failed_delivery")
COUNT_DEAD = query("count_dead_deliveries")
UPDATE_FAILING = query("update_failing_webhook")
UPDATE_WELL = query("update_well_webhook")
HASTEN = query("hasten_deliveries")

# Longer than a request may take and its result may wait for MySQL. A sender that was killed leaves
# its rows for so long.
LEASE_S = 60
ERROR_LENGTH_MAX = 200
# A receiver that took nothing for so many batches was away, and did not refuse one event only.
AWAY_AFTER = 5


class Deliveries:
    """Each call is one transaction. All raise UnavailableError without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Close this thread's connection."""
        self._database.close()

    def take(self, webhook_id: str, limit: int) -> tuple[Sequence[DueDelivery], int]:
        """Lease up to `limit` that are due; return them, and how many were given up instead.

        Another sender takes others. What is not noted in LEASE_S is due again.
        """

        def work(cursor: Cursor) -> tuple[Sequence[DueDelivery], int]:
            cursor.execute(SELECT_DUE, {"webhook_id": webhook_id, "limit": limit})
            rows = cursor.fetchall()
            late = [event_id for event_id, is_late in rows if is_late]
            due = [event_id for event_id, is_late in rows if not is_late]
            if late:
                cursor.execute(BURY, {"webhook_id": webhook_id, "event_ids": late})
            if not due:
                return [], len(late)
            which = {"webhook_id": webhook_id, "event_ids": due, "lease_s": LEASE_S}
            cursor.execute(LEASE, which)
            cursor.execute(SELECT_EVENTS, which)
            return [_delivery(row) for row in cursor.fetchall()], len(late)

        return self._database.run(work)

    def note(self, webhook: Webhook, attempts: Sequence[WebhookAttempt]) -> int:
        """Store what came of a batch; return how many of it were given up."""

        def work(cursor: Cursor) -> int:
            for attempt in attempts:
                _note(cursor, webhook.id, attempt)
            _note_webhook(cursor, webhook, attempts)
            failed = [a.delivery.event.id for a in attempts if not a.answer.arrived]
            if not failed:
                return 0
            cursor.execute(COUNT_DEAD, {"webhook_id": webhook.id, "event_ids": failed})
            [(dead,)] = cursor.fetchall()
            return int(dead)

        return self._database.run(work)


def _note(cursor: Cursor, webhook_id: str, attempt: WebhookAttempt) -> None:
    delivery, answer = attempt.delivery, attempt.answer
    which = {"webhook_id": webhook_id, "event_id": delivery.event.id}
    if answer.arrived:
        cursor.execute(UPDATE_ARRIVED, which | {"http_status": answer.http_status})
        return
    failed = {
        "http_status": answer.http_status,
        "error": answer.describe()[:ERROR_LENGTH_MAX],
        "pause_s": attempt.pause_s(),
        "attempt": delivery.number,
    }
    cursor.execute(UPDATE_FAILED, which | failed)


def _note_webhook(cursor: Cursor, webhook: Webhook, attempts: Sequence[WebhookAttempt]) -> None:
    """Ask a receiver that takes nothing less often; let one that is back get everything."""
    gone = any(attempt.answer.is_gone for attempt in attempts)
    if gone or not any(attempt.answer.arrived for attempt in attempts):
        asked_s = max(attempt.answer.retry_after_s for attempt in attempts)
        values = {"retry_after_s": asked_s, "gone": int(gone)}
        cursor.execute(UPDATE_FAILING, values | {"id": webhook.id, "url": webhook.url})
        return
    if webhook.failures:
        cursor.execute(UPDATE_WELL, {"id": webhook.id})
    if webhook.failures >= AWAY_AFTER:
        cursor.execute(HASTEN, {"id": webhook.id})


def _delivery(row: tuple[Any, ...]) -> DueDelivery:
    event_id, number, kind, occurred_at, campaign_id, serial, code, user_id, detail = row
    event = WebhookEvent(
        event_id,
        kind,
        times.from_datetime(occurred_at),
        campaign_id,
        serial,
        code,
        user_id,
        json.loads(detail) if detail else {},
    )
    return DueDelivery(event, number)
