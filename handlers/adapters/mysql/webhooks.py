"""The webhooks in MySQL: created, read, changed, and the generations of their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.errors import TooManyWebhooksError, WebhookNotFoundError
from handlers.domain.webhook import WEBHOOKS_MAX, Webhook, WebhookState, WebhookWish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

SELECT_WEBHOOKS = query("select_webhooks")
SELECT_DUE_WEBHOOKS = query("select_due_webhooks")
LOCK_WEBHOOK = query("lock_webhook")
COUNT_ACTIVE = query("count_active_webhooks")
INSERT_WEBHOOK = query("insert_webhook")
UPDATE_WEBHOOK = query("update_webhook")
ROTATE_SECRET = query("rotate_webhook_secret")


class Webhooks:
    """One transaction each. All raise UnavailableError when MySQL is unreachable.

    A deleted webhook is as one that never was: WebhookNotFoundError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, webhook_id: str, wish: WebhookWish) -> Webhook:
        """Store a new webhook and return it; raise TooManyWebhooksError.

        Two at once may make one too many: the limit bounds the cost, and nothing depends on it.
        """

        def work(cursor: Cursor) -> Webhook:
            _require_room(cursor, webhook_id)
            values = _values(webhook_id, wish)
            cursor.execute(INSERT_WEBHOOK, values)
            return _one(cursor, webhook_id)

        return self._database.run(work)

    def page(self, after: str, limit: int) -> Sequence[Webhook]:
        """Return up to `limit` webhooks with an id above `after`, by id."""

        def work(cursor: Cursor) -> Sequence[Webhook]:
            cursor.execute(SELECT_WEBHOOKS, {"id": None, "after": after, "limit": limit})
            return [_webhook(row) for row in cursor.fetchall()]

        return self._database.run(work)

    def of_id(self, webhook_id: str) -> Webhook:
        """Return one; raise WebhookNotFoundError."""
        return self._database.run(lambda cursor: _one(cursor, webhook_id))

    def change(self, webhook_id: str, wish: WebhookWish) -> Webhook:
        """Store what the wish names and return the webhook; raise also TooManyWebhooksError."""

        def work(cursor: Cursor) -> Webhook:
            if not cursor.execute(LOCK_WEBHOOK, {"id": webhook_id}):
                raise WebhookNotFoundError
            if wish.active:
                _require_room(cursor, webhook_id)
            cursor.execute(UPDATE_WEBHOOK, _values(webhook_id, wish))
            return _one(cursor, webhook_id)

        return self._database.run(work)

    def delete(self, webhook_id: str) -> None:
        """Send a webhook nothing any more, and show it nowhere; a repeated call finds nothing."""
        values = _values(webhook_id, WebhookWish()) | {"state": WebhookState.DELETED}
        if not self._database.run(lambda cursor: cursor.execute(UPDATE_WEBHOOK, values)):
            raise WebhookNotFoundError

    def rotate_secret(self, webhook_id: str, previous_s: int) -> Webhook:
        """Begin a new secret; the ones before sign as well for `previous_s` seconds.

        Return the webhook; raise WebhookNotFoundError.
        """

        def work(cursor: Cursor) -> Webhook:
            cursor.execute(ROTATE_SECRET, {"id": webhook_id, "previous_s": previous_s})
            return _one(cursor, webhook_id)

        return self._database.run(work)

    def due(self) -> Sequence[Webhook]:
        """Return the webhooks that something is to be sent to now."""

        def work(cursor: Cursor) -> Sequence[Webhook]:
            cursor.execute(SELECT_DUE_WEBHOOKS)
            return [_webhook(row) for row in cursor.fetchall()]

        return self._database.run(work)


def _require_room(cursor: Cursor, webhook_id: str) -> None:
    cursor.execute(COUNT_ACTIVE, {"id": webhook_id})
    [(active,)] = cursor.fetchall()
    if active >= WEBHOOKS_MAX:
        raise TooManyWebhooksError


def _values(webhook_id: str, wish: WebhookWish) -> dict[str, object]:
    states = {True: WebhookState.ACTIVE, False: WebhookState.OFF, None: None}
    return {
        "id": webhook_id,
        "url": wish.url,
        "kinds": None if wish.kinds is None else ",".join(wish.kinds),
        "description": wish.description,
        "state": states[wish.active],
        "retry": int(wish.active is True or wish.url is not None),
    }


def _one(cursor: Cursor, webhook_id: str) -> Webhook:
    cursor.execute(SELECT_WEBHOOKS, {"id": webhook_id, "after": "", "limit": 1})
    for row in cursor.fetchall():
        return _webhook(row)
    raise WebhookNotFoundError


def _webhook(row: tuple[Any, ...]) -> Webhook:
    webhook_id, url, kinds, description, state, newest, oldest, until, failures, created_at = row
    generations = tuple(range(newest, oldest - 1, -1))
    return Webhook(
        webhook_id,
        url,
        tuple(kinds.split(",")),
        description,
        WebhookState(state),
        generations,
        times.from_datetime(until) if until and len(generations) > 1 else None,
        failures,
        times.from_datetime(created_at),
    )
