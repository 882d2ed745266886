"""What is done while MySQL works on a statement, on a real server."""

from __future__ import annotations

from contextlib import closing
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from handlers import consume, wiring
from handlers.adapters.mysql.database import Database, while_server_works
from handlers.adapters.redis.admissions import OLDEST
from handlers.consume import consume_handler
from tests.support.service import apply, coupons, create_campaign, kafka_event, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.cursors import Cursor

    from handlers.config import Settings

USERS = 7


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    address = settings.database_address
    assert address
    with closing(Database(lambda: address)) as opened:
        yield opened


def test_it_is_done_once_between_a_statement_and_its_reply(database: Database) -> None:
    done: list[str] = []

    def work(cursor: Cursor) -> tuple[int, ...]:
        while_server_works(cursor, lambda: done.append("meanwhile"))
        for number in (1, 2):
            cursor.execute("SELECT %s", (number,))
            done.append("replied")
        [row] = cursor.fetchall()
        return row

    assert database.run(work) == (2,)
    assert done == ["meanwhile", "replied", "replied"]


def test_without_a_statement_it_is_not_left_for_the_next_transaction(database: Database) -> None:
    done: list[str] = []
    database.run(lambda cursor: while_server_works(cursor, lambda: done.append("late")))
    database.run(lambda cursor: cursor.execute("SELECT 1"))
    assert done == []


def test_an_error_in_it_rolls_back_and_the_next_transaction_reads_its_own_replies(
    database: Database,
) -> None:
    def fail() -> None:
        message = "meanwhile"
        raise LookupError(message)

    def failing(cursor: Cursor) -> None:
        while_server_works(cursor, fail)
        cursor.execute("SELECT 1")

    def two(cursor: Cursor) -> object:
        cursor.execute("SELECT 2")
        return cursor.fetchall()

    with pytest.raises(LookupError, match="meanwhile"):
        database.run(failing)
    assert database.run(two) == ((2,),)


def pending(campaign_id: str) -> list[str]:
    page = wiring.admissions().overdue(campaign_id, 0, OLDEST, USERS)
    return sorted(coupon.user_id for coupon in page.coupons)


def test_a_batch_in_parts_is_written_and_settled_and_again_changes_nothing(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "PART_RECORDS", 3)
    create_campaign(campaign_id, quantity=USERS)
    users = [f"user-{n}" for n in range(1, USERS + 1)]
    serials = [apply(campaign_id, user).body["serial"] for user in users]
    assert pending(campaign_id) == users
    event = kafka_event(map(message, repeat(campaign_id), users, serials))
    for _ in range(2):
        assert consume_handler(event, None) == {"batchItemFailures": []}
        assert coupons(service, campaign_id) == list(zip(users, serials, strict=True))
        assert pending(campaign_id) == []
