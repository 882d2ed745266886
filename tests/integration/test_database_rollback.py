"""A unit of work that raises an error of ours: its locks are gone, and its connection stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from handlers import wiring
from handlers.adapters.mysql.database import Database, while_server_works
from handlers.domain.errors import ErasureWaitsError, UnavailableError
from local.migrate import database_address
from tests.support.service import create_campaign

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.config import Settings

LOCK = "SELECT 1 FROM campaign WHERE id = %s FOR UPDATE SKIP LOCKED"
TIMES = 50


@pytest.fixture
def database(service: Settings, campaign_id: str) -> Database:
    create_campaign(campaign_id, quantity=5)
    return wiring.database()


def connection_id(database: Database) -> int:
    def ask(cursor: Cursor) -> int:
        cursor.execute("SELECT CONNECTION_ID()")
        [(number,)] = cursor.fetchall()
        return int(number)

    return database.run(ask)


def test_what_a_refused_unit_had_locked_is_free_when_its_caller_goes_on(
    database: Database, campaign_id: str
) -> None:
    def refused(cursor: Cursor) -> NoReturn:
        assert cursor.execute(LOCK, (campaign_id,)) == 1
        raise ErasureWaitsError.of({})

    other = Database(lambda: database_address(wiring.settings()))
    before = connection_id(database)
    for _ in range(TIMES):
        with pytest.raises(ErasureWaitsError):
            database.run(refused)
        assert other.run(lambda cursor: cursor.execute(LOCK, (campaign_id,))) == 1
    assert connection_id(database) == before
    other.close()


def test_a_refused_unit_changes_nothing(database: Database, campaign_id: str) -> None:
    def refused(cursor: Cursor) -> NoReturn:
        cursor.execute("UPDATE campaign SET quantity = 6 WHERE id = %s", (campaign_id,))
        raise ErasureWaitsError.of({})

    with pytest.raises(ErasureWaitsError):
        database.run(refused)
    unchanged = "SELECT 1 FROM campaign WHERE id = %s AND quantity = 5"
    assert database.run(lambda cursor: cursor.execute(unchanged, (campaign_id,))) == 1


def test_after_an_error_before_a_reply_was_read_the_next_unit_reads_its_own_reply(
    database: Database,
) -> None:
    def fail() -> NoReturn:
        message = "Redis"
        raise UnavailableError(message)

    def work(cursor: Cursor) -> None:
        while_server_works(cursor, fail)
        cursor.execute("SELECT 'of the unit before'")

    before = connection_id(database)
    with pytest.raises(UnavailableError, match="Redis"):
        database.run(work)
    assert connection_id(database) != before
