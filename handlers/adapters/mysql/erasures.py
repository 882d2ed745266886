"""Erases users in MySQL: their coupons stay and belong to pseudonyms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handlers.adapters.mysql.coupon_events import add_event
from handlers.adapters.mysql.database import query
from handlers.adapters.mysql.erased_records import erase_nameless, erase_of_user
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.erasure import RETENTION, Erased, ErasedPage
from handlers.domain.errors import StaleStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.domain.pseudonyms import Pseudonyms

LOCK_CAMPAIGN = query("lock_campaign_to_erase")
SELECT_CAMPAIGNS_OF_USER = query("select_campaigns_of_user")
SELECT_SERIALS = query("select_serials_of_user")
ERASE_COUPONS = query("erase_coupons_of_user")
ERASE_ACTOR = query("erase_actor")
ERASE_TEXTS = query("erase_texts_of_events")
ERASE_SENT_TEXTS = query("erase_texts_of_deliveries")
ADD_ERASED_USERS = query("add_erased_users")
SELECT_PAGE = query("select_coupons_to_erase")
ERASE_PAGE = query("erase_page_of_coupons")
ERASE_ACTORS = query("erase_actors_of_page")
SELECT_FAILED_USERS = query("select_users_of_failed_events")
SELECT_TO_ERASE = query("select_campaigns_to_erase")
SELECT_WITH_ERASED = query("select_campaigns_with_erased_users")

# A transaction of so many rows takes some ten milliseconds, for which applicants' writers wait.
PAGE = 500
# So many campaigns a run looks at; the next run goes on.
CAMPAIGNS_MAX = 100


class MySqlErasures:
    """Each call is one transaction, and may be repeated.

    fence: the one under which Redis has the campaign open, None where Redis does not have it. A
    rebuild that has begun since then may have read what is changed here, so the call then raises
    StaleStateError. All raise UnavailableError without MySQL.
    """

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def campaigns_of(self, user_id: str) -> Sequence[str]:
        """Return the ids of the campaigns of which MySQL has the user's id."""
        found = self._fetch(SELECT_CAMPAIGNS_OF_USER, {"user_id": user_id})
        return [campaign_id for (campaign_id,) in found]

    def erase(
        self, campaign_id: str, user_id: str, fence: int | None, actor: str, *, is_held: bool
    ) -> Erased:
        """Erase a user in a campaign, in the name of `actor`.

        is_held: Redis has an admission of the user. Raises ErasureWaitsError where a record of the
        user is still to be written.
        """
        pseudonym = self._pseudonyms.of(campaign_id, user_id)
        ids = {"campaign_id": campaign_id, "user_id": user_id, "pseudonym": pseudonym}
        by = pseudonym if actor == user_id else actor

        def work(cursor: Cursor) -> Erased:
            erased_users = _lock(cursor, campaign_id, fence)
            records = erase_of_user(cursor, ids, self._pseudonyms)
            cursor.execute(SELECT_SERIALS, ids)
            rows = cursor.fetchall()
            serials = [serial for serial, owner, _ in rows if owner == user_id]
            cursor.execute(ERASE_COUPONS, ids)
            cursor.execute(ERASE_ACTOR, ids)
            if rows:
                _erase_texts(cursor, campaign_id, [(row[0], user_id, pseudonym) for row in rows])
            for serial in serials:
                add_event(cursor, CouponEvent(EventKind.ERASED, campaign_id, serial, by))
            if (serials or records or (is_held and not rows)) and erased_users is not None:
                cursor.execute(ADD_ERASED_USERS, {"campaign_id": campaign_id, "users": 1})
                erased_users += 1
            held = [serial for serial, _, given_back in rows if not given_back]
            return Erased(held[-1] if held else 0, erased_users or 0)

        return self._database.run(work)

    def erase_nameless(self, user_id: str) -> int:
        """Erase a user in records that name no campaign; return in how many.

        Raises ErasureWaitsError where one of them waits for an operator.
        """
        return self._database.run(lambda cursor: erase_nameless(cursor, user_id, self._pseudonyms))

    def erase_page(self, campaign_id: str, fence: int | None, after: int) -> ErasedPage:
        """Erase the owners of up to PAGE coupons with a serial above `after`."""

        def work(cursor: Cursor) -> ErasedPage:
            _lock(cursor, campaign_id, fence)
            cursor.execute(SELECT_PAGE, {"campaign_id": campaign_id, "after": after, "limit": PAGE})
            page = cursor.fetchall()
            rows = [
                (serial, user, self._pseudonyms.of(campaign_id, user))
                for serial, user in page
                if not self._pseudonyms.made(user)
            ]
            if rows:
                values = _erase_texts(cursor, campaign_id, rows)
                cursor.execute(ERASE_PAGE, values)
                cursor.execute(ERASE_ACTORS, values)
                counted = {"campaign_id": campaign_id, "users": len(rows)}
                cursor.execute(ADD_ERASED_USERS, counted)
            return ErasedPage(len(rows), page[-1][0] if len(page) == PAGE else None)

        return self._database.run(work)

    def users_of_failed_events(self, campaign_id: str) -> Iterator[str]:
        """Yield the users of a campaign's failed events who are not erased."""
        after, page = "", [""]
        while page:
            values = {"campaign_id": campaign_id, "after": after, "limit": PAGE}
            page = [user for (user,) in self._fetch(SELECT_FAILED_USERS, values)]
            yield from (user for user in page if not self._pseudonyms.made(user))
            after = page[-1] if page else after

    def to_erase(self, days: int) -> Sequence[str]:
        """Return campaigns that ended `days` days ago and whose users are not all erased."""
        values = {"days": days, "limit": CAMPAIGNS_MAX}
        return [campaign_id for (campaign_id,) in self._fetch(SELECT_TO_ERASE, values)]

    def all_are_erased(self, campaign_id: str) -> None:
        """Note that the users of a campaign are erased."""
        event = CouponEvent(EventKind.ERASED, campaign_id, None, RETENTION)
        self._database.run(lambda cursor: add_event(cursor, event))

    def with_erased_users(self) -> Mapping[str, int]:
        """Return how many users were erased, by campaign, of those that are not archived."""
        return dict(self._fetch(SELECT_WITH_ERASED, {}))

    def _fetch(self, statement: str, values: Mapping[str, object]) -> Sequence[Any]:
        def work(cursor: Cursor) -> Sequence[Any]:
            cursor.execute(statement, values)
            return cursor.fetchall()

        return self._database.run(work)


def _erase_texts(
    cursor: Cursor, campaign_id: str, rows: Sequence[tuple[int, str, str]]
) -> dict[str, str]:
    """Erase free texts about coupons that name their users; return what names these coupons.

    rows: serial, user and pseudonym of each.
    """
    values = {"campaign_id": campaign_id, "rows": json.dumps(rows)}
    cursor.execute(ERASE_TEXTS, values)
    cursor.execute(ERASE_SENT_TEXTS, values)
    return values


def _lock(cursor: Cursor, campaign_id: str, fence: int | None) -> int | None:
    """Return the number of erased users; None where a failed event names no campaign of ours."""
    cursor.execute(LOCK_CAMPAIGN, {"campaign_id": campaign_id})
    row = cursor.fetchone()
    if row is None:
        return None
    present, erased_users, is_archived = row
    # A campaign that Redis does not have may be about to be restored, unless it is archived.
    if (fence is None and not is_archived) or (fence is not None and fence != present):
        raise StaleStateError
    return int(erased_users)
