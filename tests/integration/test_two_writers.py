"""Two writers of one table at once: no coupon is lost between them, and none waits in a circle."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pymysql
import pytest
from pymysql.constants import ER

from handlers.adapters.mysql import ledger as ledger_module
from handlers.adapters.mysql import prepared
from handlers.adapters.mysql.database import Database
from handlers.adapters.mysql.ledger import Ledger
from handlers.consume import consume_handler
from handlers.domain.record import DecodedRecord, Record
from handlers.redrive import redrive_handler
from local.migrate import database_address
from tests.support.service import coupons, create_campaign, failures, kafka_event, message, rows
from tests.support.state import statement
from tests.support.unique_keys import COUNTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pymysql.cursors import Cursor

    from handlers.config import Settings

QUANTITY = 2000
BATCH = 250
RACES = 4
CONTROL_RACES_MAX = 60
NO_COUNTER = (
    "ALTER TABLE coupon DROP PRIMARY KEY, DROP COLUMN id, DROP INDEX coupon_serial_once,"
    " ADD PRIMARY KEY (campaign_id, serial)"
)


class CountingDatabase(Database):
    """Counts the transactions that MySQL rolled back because of a deadlock."""

    deadlocks = 0

    def _transaction(self, work: Callable[[Any], Any]) -> Any:
        try:
            return super()._transaction(work)
        except pymysql.OperationalError as error:
            self.deadlocks += error.args[0] == ER.LOCK_DEADLOCK
            raise


@pytest.fixture
def database(service: Settings) -> CountingDatabase:
    return CountingDatabase(lambda: database_address(service))


def record_of(campaign_id: str, serial: int) -> DecodedRecord:
    coupon = message(campaign_id, f"user-{serial}", serial)
    record = Record("coupon_create", 0, serial, 0, None, coupon.encode())
    return DecodedRecord(coupon, lambda: record)


def write_at_once(database: Database, *shares: Sequence[DecodedRecord]) -> None:
    """Write each share in batches, all shares at the same time."""
    start = Barrier(len(shares))

    def write(share: Sequence[DecodedRecord]) -> None:
        with closing(database):
            ledger = Ledger(database, "s" * 32)
            start.wait()
            for first in range(0, len(share), BATCH):
                ledger.write(share[first : first + BATCH], [])

    with ThreadPoolExecutor(len(shares)) as pool:
        for done in [pool.submit(write, share) for share in shares]:
            done.result()


def race_beside_written_records(database: Database, campaign_id: str) -> None:
    """Let two writers share a campaign's records; a tenth is written before, and comes again."""
    create_campaign(campaign_id, quantity=QUANTITY)
    records = [record_of(campaign_id, serial) for serial in range(1, QUANTITY + 1)]
    write_at_once(database, records[::10])
    write_at_once(
        database, *[[r for n, r in enumerate(records) if n % 2 == k or n % 10 == 0] for k in (0, 1)]
    )


def test_no_record_is_lost_where_two_write_and_some_are_written_already(
    service: Settings, campaign_id: str, database: CountingDatabase
) -> None:
    for race in range(RACES):
        race_beside_written_records(database, f"{campaign_id}-{race}")
        serials = [serial for _, serial in coupons(service, f"{campaign_id}-{race}")]
        assert serials == list(range(1, QUANTITY + 1))
        assert failures(service, f"{campaign_id}-{race}") == {}


@contextmanager
def counter(settings: Settings) -> Iterator[None]:
    statement(settings, COUNTER)
    try:
        yield
    finally:
        statement(settings, NO_COUNTER)


def test_with_a_counter_and_insert_ignore_good_coupons_were_refused(
    service: Settings,
    campaign_id: str,
    database: CountingDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control of the test above: the statement and the table as they were."""
    assert rows(service, "SELECT @@innodb_autoinc_lock_mode") == [(2,)]
    statement, _ = ledger_module.INSERT_COUPONS.split("ON DUPLICATE KEY")
    before = statement.replace("INSERT INTO", "INSERT IGNORE INTO").replace("ORDER BY r.n", "")
    monkeypatch.setattr(ledger_module, "INSERT_COUPONS", before)
    with counter(service):
        for race in range(CONTROL_RACES_MAX):
            race_beside_written_records(database, f"{campaign_id}-{race}")
            refused = failures(service, f"{campaign_id}-{race}")
            if refused:
                break
    assert set(refused.values()) == {"NOT_INSERTED"}


def overlapping(campaign_id: str) -> list[list[DecodedRecord]]:
    """Return two shares that have most records in common, each in an order of its own."""
    create_campaign(campaign_id, quantity=QUANTITY)
    records = [record_of(campaign_id, serial) for serial in range(1, BATCH + 1)]
    return [random.Random(seed).sample(records, BATCH * 9 // 10) for seed in (1, 2)]  # noqa: S311 - an order


def test_writers_of_the_same_records_in_different_orders_do_not_deadlock(
    service: Settings, campaign_id: str, database: CountingDatabase
) -> None:
    for race in range(RACES * 5):
        write_at_once(database, *overlapping(f"{campaign_id}-{race}"))
        assert failures(service, f"{campaign_id}-{race}") == {}
    assert database.deadlocks == 0


def test_if_each_kept_its_own_order_they_would_deadlock(
    service: Settings,
    campaign_id: str,
    database: CountingDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(prepared, "WRITE_ORDER", lambda _: 0)
    for race in range(CONTROL_RACES_MAX):
        write_at_once(database, *overlapping(f"{campaign_id}-{race}"))
        if database.deadlocks:
            break
    assert database.deadlocks


def test_the_redrive_writes_coupons_in_the_order_in_which_consumers_write_them(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [message(campaign_id, f"user-{n}", n) for n in (3, 1, 2)]
    consume_handler(kafka_event([*messages, b"poison"]), None)
    create_campaign(campaign_id)
    insert, order = Ledger.insert_one, []

    def noting(self: Ledger, cursor: Cursor, accepted: DecodedRecord, *, direct: bool) -> Any:
        order.append(accepted.coupon.serial)
        return insert(self, cursor, accepted, direct=direct)

    monkeypatch.setattr(Ledger, "insert_one", noting)
    assert redrive_handler({}, None) == {"resolved": 3, "retried": 1, "dead": 0}
    assert order == [1, 2, 3]
    assert [serial for _, serial in coupons(service, campaign_id)] == [1, 2, 3]
