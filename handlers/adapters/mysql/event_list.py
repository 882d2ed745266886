"""The events of a campaign and of its coupons, in order: pages of which a reader misses none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.database import OF_A_CONSUMER, query
from handlers.domain import times
from handlers.domain.errors import CampaignNotFoundError
from handlers.domain.event_position import CHANGED, ISSUED, EventPosition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database

SELECT_NOW = query("select_now_of_campaign")
SELECT_EVENTS_PAGE = query("select_events_page")

# For the next transaction alone; SET SESSION would change every later one of the connection.
DIRTY = ("COMMIT", "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", "START TRANSACTION")

# A row has the time at which its statement began, and is in the table once the statement has waited
# for its locks. A statement without a reply for reply_s is given up by its process, and with it
# the whole transaction. The rest is for clocks: of a MySQL that took over, or that was set.
SETTLED_AFTER_S = OF_A_CONSUMER.reply_s + 2


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event, and where it is in the list.

    kind: an EventKind, or ISSUED. serial: None where the campaign itself changed.
    actor: who did it: for ISSUED the coupon's user, "" for the service itself.
    """

    position: EventPosition
    kind: str
    serial: int | None
    actor: str
    order_id: str | None
    reason: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventPage:
    """A part of the list.

    settled: in order, complete: no event will ever come before the last of them.
    recent: later ones that are committed, among which others may still come.
    settled_until_ms: MySQL's clock before which the list is complete.
    """

    settled: Sequence[ListedEvent]
    recent: Sequence[ListedEvent]
    settled_until_ms: int


class EventList:
    """Reads the list; raises UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, campaign_id: str, after: EventPosition, limit: int) -> EventPage:
        """Return the first `limit` events behind a position; raise CampaignNotFoundError.

        Rows are not committed in the order of their times or ids: a transaction may be held up for
        long between its INSERT and its COMMIT. A reader that went on behind a newer event would
        never see that one. So a page ends before the first row that is in the table and not
        committed, which a dirty read sees without waiting for it. It ends SETTLED_AFTER_S ago, too:
        a row that is not in the table by then will not be committed.

        The dirty read is the second one, so no row can come between the two and be in neither.
        """

        def work(cursor: Cursor) -> EventPage:
            cursor.execute(SELECT_NOW, {"campaign_id": campaign_id})
            found = cursor.fetchone()
            if found is None:
                raise CampaignNotFoundError
            settled_until_ms = times.from_datetime(found[0]) - int(SETTLED_AFTER_S * 1000)
            values = _values(campaign_id, after, limit)
            events = [_event(row) for row in _rows(cursor, values)]
            for statement in DIRTY:
                cursor.execute(statement)
            written = [_position(row) for row in _rows(cursor, values)]
            return _page(events, written, settled_until_ms)

        return self._database.run(work)


def _page(
    events: Sequence[ListedEvent], written: Sequence[EventPosition], settled_until_ms: int
) -> EventPage:
    committed = {event.position for event in events}
    end = EventPosition(settled_until_ms, ISSUED, 0)
    end = min([end, *(one for one in written if one not in committed)])
    settled = [event for event in events if event.position < end]
    return EventPage(settled, events[len(settled) :], end.at_ms)


def _values(campaign_id: str, after: EventPosition, limit: int) -> dict[str, object]:
    return {
        "campaign_id": campaign_id,
        "at": times.to_mysql(after.at_ms),
        "coupon_number": after.number_of(ISSUED),
        "event_number": after.number_of(CHANGED),
        "limit": limit,
    }


def _rows(cursor: Cursor, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
    cursor.execute(SELECT_EVENTS_PAGE, values)
    return cursor.fetchall()


def _position(row: tuple[Any, ...]) -> EventPosition:
    created_at, source, number, *_ = row
    return EventPosition(times.from_datetime(created_at), source, number)


def _event(row: tuple[Any, ...]) -> ListedEvent:
    _, _, _, kind, serial, actor, order_id, reason, detail = row
    return ListedEvent(
        _position(row), kind, serial, actor, order_id, reason, json.loads(detail) if detail else {}
    )
