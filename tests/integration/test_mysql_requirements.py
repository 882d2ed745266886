"""Which MySQL servers and databases the service takes, and which it refuses in a sentence."""

from __future__ import annotations

import dataclasses
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.migration import requirements
from handlers.adapters.migration.runner import Migration
from handlers.adapters.migration.schema import migrate_schema
from handlers.adapters.mysql import ledger as ledger_module
from handlers.adapters.mysql.database import Database
from handlers.adapters.mysql.ledger import Ledger
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.adapters.mysql.reconciliation import MySqlCouponReader
from handlers.database_address import DatabaseAddress
from handlers.domain.campaign import Campaign
from handlers.domain.errors import UnavailableError
from handlers.domain.reconciliation.differences import Issued
from handlers.domain.record import DecodedRecord, FailedStatus, Record
from handlers.domain.settlement import SettledAs
from handlers.retry import RetryDeadline, SetupError
from local.servers import MariaDB
from local.servers.mariadb import is_mariadb
from tests.support.fakes import NOW_MS
from tests.support.service import message
from tests.support.state import query, retry_deadline
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

NAME = "쿠폰 🎟"
# As MySQL makes it that ignores CHECK, and as the migration then finds it.
WITHOUT_CHECKS = (
    "CREATE TABLE campaign ("
    " id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,"
    " name VARCHAR(200) NOT NULL, quantity INT UNSIGNED NOT NULL,"
    " opens_at DATETIME(3) NOT NULL, closes_at DATETIME(3) NOT NULL,"
    " created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)"
    ") ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"
)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    with MariaDB() as running:
        yield running


@pytest.fixture
def address(server: MariaDB) -> DatabaseAddress:
    """An empty database of the server's default character set."""
    found = DatabaseAddress.from_url(server.url)
    query(found, f"DROP DATABASE {found.database}")
    query(dataclasses.replace(found, database=""), f"CREATE DATABASE {found.database}")
    return found


def accepted(user: str, serial: int) -> DecodedRecord:
    coupon = message("welcome", user, serial)
    record = Record("coupon_create", 0, serial, 0, None, coupon.encode())
    return DecodedRecord(coupon, lambda: record)


@pytest.mark.parametrize("characters", ["latin1", "utf8mb3", "utf16", "utf8mb4"])
def test_a_database_of_any_character_set_is_migrated_written_and_read(
    address: DatabaseAddress, characters: str
) -> None:
    alias = "utf8" if characters == "utf8mb3" else characters  # its name before MySQL 8.0.28
    query(address, f"ALTER DATABASE {address.database} CHARACTER SET {alias}")
    migrate_schema(address, retry_deadline(), lenient=True)
    with closing(Database(lambda: address)) as database:
        queries = MySqlQueries(database)
        queries.create_campaign(Campaign("welcome", NAME, 3, NOW_MS, NOW_MS + 1))
        batch = [accepted(user, serial) for serial, user in enumerate("aAbc", 1)]
        for _ in range(2):
            settled = Ledger(database, "s" * 32).write(batch, [])
            assert [s.state for s in settled] == [SettledAs.COUPON] * 3 + [SettledAs.FAILED_EVENT]
        assert [campaign.name for campaign in queries.campaigns()] == [NAME]
        found = MySqlCouponReader(database).lookup_users("welcome", ["A", "c", "x"])
        assert found == [Issued(2, None), Issued(None, FailedStatus.PENDING), Issued(None, None)]


def test_without_utf8mb4_in_the_statement_no_batch_would_be_written(
    address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above, on MariaDB: MySQL takes the connection's."""
    query(address, f"ALTER DATABASE {address.database} CHARACTER SET latin1")
    migrate_schema(address, retry_deadline(), lenient=True)
    before = ledger_module.INSERT_COUPONS.replace("CHARACTER SET utf8mb4", "")
    monkeypatch.setattr(ledger_module, "INSERT_COUPONS", before)
    refused = pytest.raises(UnavailableError, match=r"set up wrongly \(error 1253: ")
    with (
        closing(Database(lambda: address)) as database,
        refused if is_mariadb() else nullcontext(),
    ):
        Ledger(database, "s" * 32).write([accepted("a", 1)], [])


def test_a_server_that_ignores_check_is_refused_where_it_counts(
    address: DatabaseAddress, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    query(address, WITHOUT_CHECKS)
    there = dataclasses.replace(settings, stage="prod")
    with pytest.raises(SetupError, match=r"MySQL at .* cannot be used: it ignores CHECK") as caught:
        Migration(there, lambda: address, lambda: address).run(retry_deadline())
    assert requirements.NEEDED in str(caught.value)
    assert query(address, "SELECT COUNT(*) FROM campaign") == (0,)
    Migration(settings, lambda: address, lambda: address).run(RetryDeadline(WAIT_S, print))
    assert "it ignores CHECK constraints" in capsys.readouterr().out


def test_a_server_without_json_table_is_refused_before_anything_is_created(
    address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What TiDB and MySQL 5.7 say about JSON_TABLE, these servers say about its sister.
    unknown = requirements.JSON_TABLE.replace("JSON_TABLE", "XML_TABLE")
    monkeypatch.setattr(requirements, "JSON_TABLE", unknown)
    with pytest.raises(SetupError, match=r"MySQL at .* cannot be used: it has no JSON_TABLE"):
        migrate_schema(address, retry_deadline())
    tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
    assert query(address, tables) == (0,)
