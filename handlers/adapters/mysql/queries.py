"""The HTTP handlers' queries on MySQL, and the one row that they insert: a campaign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.campaign_row import select_campaigns, to_values
from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.mysql.coupon_rows import SELECT_COUPON_OF_USER, select_coupon
from handlers.adapters.mysql.database import query
from handlers.domain import times
from handlers.domain.campaign import campaign_json
from handlers.domain.coupon_event import CouponEvent, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.campaign import Campaign
    from handlers.domain.coupon_state import HeldCoupon

INSERT_CAMPAIGN = query("insert_campaign")
SELECT_AGE_OF_CAMPAIGN = query("select_age_of_campaign")
SELECT_FAILURE_OF_USER = query("select_failure_of_user")
COUNT_OF_CAMPAIGN = query("count_of_campaign")
SELECT_COUPONS_PAGE = query("select_coupons_page")
SELECT_HOLDERS_PAGE = query("select_holders_page")
SELECT_GIVEN_BACK_PAGE = query("select_given_back_page")
SELECT_FAILED_EVENTS_PAGE = query("select_failed_events_page")


@dataclass(frozen=True, slots=True)
class Coupon:
    """A row of the coupon table, as the administrator sees it."""

    serial: int
    user_id: str
    code: str
    admitted_at_ms: int
    created_at_ms: int


class MySqlQueries:
    """One transaction each. All raise UnavailableError when MySQL is unreachable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_campaign(self, campaign: Campaign, actor: str = "") -> tuple[Campaign, bool]:
        """Insert a campaign unless its id is taken; return the stored one and whether it is new.

        actor: who creates it, for the event that is inserted with it; "" for the service itself.
        """

        def work(cursor: Cursor) -> tuple[Campaign, bool]:
            created = bool(cursor.execute(INSERT_CAMPAIGN, to_values(campaign)))
            if created:
                after = {"after": campaign_json(campaign)}
                event = CouponEvent(EventKind.CREATED, campaign.id, None, actor, detail=after)
                add_event(cursor, event)
            [stored] = select_campaigns(cursor, campaign.id)
            return stored, created

        return self._database.run(work)

    def campaigns(self) -> Sequence[Campaign]:
        """Return all campaigns that are not archived, by id."""
        return self._database.run(select_campaigns)

    def campaign(self, campaign_id: str) -> Campaign | None:
        """Return one campaign, also once archived; None when it does not exist."""
        found = self._database.run(lambda cursor: select_campaigns(cursor, campaign_id))
        return found[0] if found else None

    def age_s(self, campaign_id: str) -> float:
        """Return the seconds since the campaign was created; infinite when it does not exist."""
        for (seconds,) in self._fetch(SELECT_AGE_OF_CAMPAIGN, {"id": campaign_id}):
            return float(seconds)
        return math.inf

    def coupon_of(self, campaign_id: str, user_id: str) -> HeldCoupon | None:
        """Return this user's coupon, None when there is none yet.

        Where the user has given back every one, the last of them.
        """
        ids = {"campaign_id": campaign_id, "user_id": user_id}
        return self._database.run(lambda cursor: select_coupon(cursor, SELECT_COUPON_OF_USER, ids))

    def has_failed(self, campaign_id: str, user_id: str) -> bool:
        """Return whether this user's admission is in failed_event and was given up."""
        ids = {"campaign_id": campaign_id, "user_id": user_id}
        return bool(self._fetch(SELECT_FAILURE_OF_USER, ids))

    def counts(self, campaign_id: str) -> tuple[int, int]:
        """Return the number of coupons and of unresolved records in failed_event."""
        [(issued, failed)] = self._fetch(COUNT_OF_CAMPAIGN, {"campaign_id": campaign_id})
        return issued, failed

    def coupons(self, campaign_id: str, after: int, limit: int) -> Sequence[Coupon]:
        """Return up to `limit` coupons with a serial above `after`, by serial."""
        page = {"campaign_id": campaign_id, "after": after, "limit": limit}
        return [_coupon(row) for row in self._fetch(SELECT_COUPONS_PAGE, page)]

    def holders(self, campaign_id: str, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return up to `limit` serials above `after`, each with its holder in Redis, by serial.

        A coupon that was given back is held by a blank and its serial.
        """
        page = {"campaign_id": campaign_id, "after": after, "limit": limit}
        return [(serial, holder) for serial, holder in self._fetch(SELECT_HOLDERS_PAGE, page)]

    def given_back(self, campaign_id: str, after: int, limit: int) -> Sequence[int]:
        """Return up to `limit` serials above `after` of coupons that were given back, by serial."""
        page = {"campaign_id": campaign_id, "after": after, "limit": limit}
        return [serial for (serial,) in self._fetch(SELECT_GIVEN_BACK_PAGE, page)]

    def failed_events(self, filters: Mapping[str, object]) -> Sequence[dict[str, Any]]:
        """Return failed events by id as dicts of the table's columns.

        filters: after, limit, bytes_max (the event that reaches it is the last), and campaign_id,
        user_id, status, reason (None for any value).
        """

        def work(cursor: Cursor) -> Sequence[dict[str, Any]]:
            cursor.execute(SELECT_FAILED_EVENTS_PAGE, filters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self._database.run(work)

    def ping(self) -> None:
        """Raise UnavailableError unless MySQL responds and has its schema."""
        self._fetch("SELECT 1 FROM campaign LIMIT 1", {})

    def _fetch(self, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        def work(cursor: Cursor) -> Sequence[tuple[Any, ...]]:
            cursor.execute(statement, values)
            return cursor.fetchall()

        return self._database.run(work)


def _coupon(row: tuple[Any, ...]) -> Coupon:
    serial, user_id, code, admitted_at, created_at = row
    return Coupon(
        serial,
        user_id,
        code,
        times.from_datetime(admitted_at),
        times.from_datetime(created_at),
    )
