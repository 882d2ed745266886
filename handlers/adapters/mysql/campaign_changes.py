"""Changes of campaigns in MySQL, each one transaction with its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.mysql.campaign_row import select_campaigns, to_values
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.mysql.database import query
from handlers.domain.campaign_change import changes_json, is_same
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.errors import (
    CampaignNotFoundError,
    PreconditionFailedError,
    QuantityTooLowError,
    StaleStateError,
)

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.campaign import Campaign
    from handlers.domain.campaign_change import CampaignChange, Noted

LOCK_CAMPAIGN = query("lock_campaign")
SELECT_HIGHEST_SERIAL = query("select_highest_serial")
UPDATE_CAMPAIGN = query("update_campaign")
ARCHIVE_CAMPAIGN = query("archive_campaign")


class MySqlCampaignChanges:
    """All raise UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, campaign_id: str, change: CampaignChange, noted: Noted) -> Campaign:
        """Make a change that is noted in Redis; return the campaign afterwards.

        The same again changes nothing. Raises PreconditionFailedError for another version,
        StaleStateError where a rebuild of Redis has begun since, which has read the row as it is;
        QuantityTooLowError where a coupon has a higher serial that Redis does not know;
        CampaignNotFoundError, InvalidRequestError.
        """

        def work(cursor: Cursor) -> Campaign:
            before = locked(cursor, campaign_id)
            after = change.applied(before, noted.closes_at_ms)
            if before.version == after.version and is_same(before, after):
                return before  # another process has completed it, or the commit's reply was lost
            if before.version != change.base:
                raise PreconditionFailedError
            if before.fence != noted.fence:
                raise StaleStateError
            if after.quantity < before.quantity:
                _require_room(cursor, after)
            cursor.execute(UPDATE_CAMPAIGN, to_values(after) | _conditions(after, before))
            detail = changes_json(before, after)
            kind = EventKind.CHANGED
            add_event(cursor, CouponEvent(kind, campaign_id, None, change.actor, detail=detail))
            return after

        return self._database.run(work)

    def archive(self, seen: Campaign, actor: str) -> None:
        """Archive a campaign that Redis shows as `seen`. The same again changes nothing.

        Raises PreconditionFailedError where it has changed since, StaleStateError where a rebuild
        of Redis has begun, CampaignNotFoundError.
        """

        def work(cursor: Cursor) -> None:
            cursor.execute(LOCK_CAMPAIGN, {"campaign_id": seen.id})
            found = select_campaigns(cursor, seen.id)
            if not found:
                raise CampaignNotFoundError
            [row] = found
            if row.archived:
                return
            if row.version != seen.version:
                raise PreconditionFailedError
            if row.fence != seen.fence:
                raise StaleStateError
            cursor.execute(ARCHIVE_CAMPAIGN, {"id": seen.id})
            add_event(cursor, CouponEvent(EventKind.ARCHIVED, seen.id, None, actor))

        self._database.run(work)


def locked(cursor: Cursor, campaign_id: str) -> Campaign:
    """Return a campaign whose row is locked; raise CampaignNotFoundError, also once archived."""
    cursor.execute(LOCK_CAMPAIGN, {"campaign_id": campaign_id})
    found = select_campaigns(cursor, campaign_id)
    if not found or found[0].archived:
        raise CampaignNotFoundError
    return found[0]


def _conditions(after: Campaign, before: Campaign) -> dict[str, int]:
    return {"paused": int(after.paused), "version": before.version, "fence": before.fence}


def _require_room(cursor: Cursor, after: Campaign) -> None:
    """Raise QuantityTooLowError where a coupon has a serial above the new quantity.

    A writer of coupons locks the campaign's row first, so none is written meanwhile.
    """
    cursor.execute(SELECT_HIGHEST_SERIAL, {"campaign_id": after.id})
    for _, highest, _ in cursor.fetchall():
        if (highest or 0) > after.last_serial:
            raise QuantityTooLowError.of(highest, highest - after.places_returned)
