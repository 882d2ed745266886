"""The scheduler's looks for expired coupons: killed anywhere, and what they cost."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handlers import webhook_clients, webhook_sender
from handlers.adapters.mysql import announcements
from handlers.adapters.mysql.announcements import Announcements
from tests.support.expiry import end, expired, reserve
from tests.support.receiver import all_sent, issue, let_rows_settle, send
from tests.support.service import create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.config import Settings
    from tests.support.receiver import Receiver


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A cursor whose process is killed before its statement number `last`."""

    def __init__(self, cursor: Cursor, last: int) -> None:
        self._cursor, self._left = cursor, last

    def execute(self, *arguments: Any) -> int:
        self._left -= 1
        if not self._left:
            raise Killed
        return self._cursor.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class DyingDatabase:
    """Runs units of work like the service's, each with a Dying cursor."""

    def __init__(self, last: int) -> None:
        self._last = last

    def run(self, work: Callable[[Any], Any]) -> Any:
        return database().run(lambda cursor: work(Dying(cursor, self._last)))


def database() -> Database:
    return webhook_clients.announcements()._database


def kill(settings: Settings, what: Callable[[Announcements], bool]) -> int:
    """Kill a scheduler before each of its statements; return how many there are before it ends."""
    for last in range(1, 20):
        # MySQL rolls back a little after a process has died. Until then a scheduler skips its rows.
        rows(settings, "SELECT serial FROM webhook_expiring FOR UPDATE")
        with suppress(Killed):
            what(Announcements(DyingDatabase(last)))  # type: ignore[arg-type]
            return last - 1
    raise AssertionError


def test_a_scheduler_that_is_killed_anywhere_misses_none_and_sends_none_twice(
    service: Settings, seven: Receiver, campaign_id: str
) -> None:
    reserve(service, 1)
    end(service)
    assert kill(service, lambda found: found.expire(campaign_id)) == 7
    over = "UTC_TIMESTAMP(3) - INTERVAL 1 SECOND"
    rows(service, f"UPDATE coupon SET reserved_until = {over} WHERE serial = 1")
    rows(service, f"UPDATE webhook_expiring SET due_at = {over}")
    assert kill(service, Announcements.expire_single) == 4
    assert all_sent(seven) == expired(campaign_id, *range(1, 8))


def reads(work: Callable[[Cursor], Any]) -> int:
    """Return how many rows and index entries MySQL reads for a unit of work."""

    def counted(cursor: Cursor) -> int:
        def total() -> int:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            return sum(int(number) for _, number in cursor.fetchall())

        before = total()
        work(cursor)
        return total() - before

    return database().run(counted)


class CountingDatabase:
    """Counts what each unit of work reads."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def run(self, work: Callable[[Any], Any]) -> Any:
        results = []
        self.counts.append(reads(lambda cursor: results.append(work(cursor))))
        return results[0]


def test_a_look_reads_few_rows_however_many_coupons_there_are(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    monkeypatch.setattr(announcements, "ROWS", 10)
    create_campaign(campaign_id, quantity=1000)
    issue(campaign_id, *range(1, 1001))  # one batch: all rows are of one moment
    let_rows_settle(service)
    reserved = "state = 'RESERVED', reserved_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR"
    rows(service, f"UPDATE coupon SET {reserved} WHERE serial <= 200")
    rows(service, "ANALYZE TABLE coupon")
    end(service)
    counting = CountingDatabase()
    looking = Announcements(counting)  # type: ignore[arg-type]
    while looking.expire(campaign_id):
        continue
    assert len(counting.counts) == 101
    assert max(counting.counts) < 200
    counting.counts.clear()
    assert list(looking.campaigns_to_expire()) == []  # the next run has nothing to do
    assert looking.expire_single() is False
    assert max(counting.counts) < 20
    assert len(rows(service, "SELECT 1 FROM webhook_expiring")) == 200


def test_the_sender_sends_between_the_pages_of_a_large_campaign(
    service: Settings, seven: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "ROWS", 2)
    monkeypatch.setattr(webhook_sender, "PAGES_MAX", 1)
    end(service)
    for count in (2, 4, 6, 7, 7):
        send()
        assert len(seven.received) == count
