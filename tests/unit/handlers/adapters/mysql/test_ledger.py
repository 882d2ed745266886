"""handlers/adapters/mysql/ledger.py without MySQL: its statements and its speed."""

from __future__ import annotations

import json
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from handlers.adapters.mysql.database import FOLDER, query
from handlers.adapters.mysql.ledger import (
    CLASSIFY_COUPONS,
    INSERT_COUPONS,
    STATEMENT_BYTES_MAX,
    Ledger,
)
from handlers.domain.coupon import CouponAccepted
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs
from tests.support.fakes import NOW_MS, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.adapters.mysql.database import Database

BATCH_MAX = 10_000  # Lambda's largest
# Building and sorting the rows takes a tenth of a second; code that compares each record with
# every other one takes half a minute.
SECONDS_MAX = 5.0


class Cursor:
    """A MySQL where every row fits."""

    def __init__(self, packet_bytes_max: int) -> None:
        self.connection = SimpleNamespace(packet_bytes_max=packet_bytes_max, new_coupons=0)
        self.statements = 0
        self.rows: list[Any] = []
        self.positions: list[tuple[int, int]] = []

    def execute(self, statement: str, values: dict[str, Any]) -> int:
        if "INSERT INTO failed_event" in statement:
            self.positions.append((values["partition_no"], values["offset_no"]))
            return 1
        if "FROM webhook" in statement:
            return 0  # no webhook wants them
        assert "INSERT INTO coupon" in statement
        assert len(statement) + len(values["rows"]) < self.connection.packet_bytes_max
        rows = json.loads(values["rows"])
        self.statements += 1
        self.rows += rows
        return len(rows)


class OneTransaction:
    """Runs the transaction once, on the fake cursor."""

    def __init__(self, packet_bytes_max: int = 1 << 26) -> None:
        self.cursor = Cursor(packet_bytes_max)

    def run(self, work: Callable[[Any], Any]) -> Any:
        return work(self.cursor)


def accepted(serials: list[int]) -> list[DecodedRecord]:
    return [
        DecodedRecord(
            CouponAccepted("welcome", f"user-{serial}", serial, NOW_MS),
            partial(record, b"value", n),
        )
        for n, serial in enumerate(serials)
    ]


def ledger_on(database: OneTransaction) -> Ledger:
    return Ledger(cast("Database", database), "s" * 32)


def test_the_largest_batch_is_prepared_in_time() -> None:
    database = OneTransaction()
    batch = accepted(list(range(1, BATCH_MAX + 1)))
    started = time.perf_counter()
    settlements = ledger_on(database).write(batch, [])
    assert time.perf_counter() - started < SECONDS_MAX
    assert len(settlements) == len(database.cursor.rows) == BATCH_MAX


@pytest.mark.parametrize("serials", [[3, 1, 2], [2, 3, 1], [1, 2, 3]])
def test_rows_are_inserted_sorted_from_any_order(serials: list[int]) -> None:
    database = OneTransaction()
    settlements = ledger_on(database).write(accepted(serials), [])
    assert [row[2] for row in database.cursor.rows] == [1, 2, 3]
    assert {s.serial for s in settlements} == {1, 2, 3}
    assert {s.state for s in settlements} == {SettledAs.COUPON}


def test_failed_events_are_stored_by_their_position_in_the_topic() -> None:
    events = [
        FailedEvent(Record("topic", partition, offset, 0, None, b""), Reason.UNDECODABLE, "")
        for partition, offset in ((1, 1), (0, 10), (1, 0), (0, 9))
    ]
    database = OneTransaction()
    ledger_on(database).write([], events)
    assert database.cursor.positions == [(0, 9), (0, 10), (1, 0), (1, 1)]


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.sql")))
def test_no_value_is_sent_in_a_comment(name: str) -> None:
    assert "--" not in query(name)


@pytest.mark.parametrize("statement", [INSERT_COUPONS, CLASSIFY_COUPONS])
def test_a_batch_is_sent_once_and_the_rest_of_its_statement_fits_its_reserve(
    statement: str,
) -> None:
    assert statement.count("%(rows)s") == 1
    assert len(statement) < STATEMENT_BYTES_MAX


def test_a_batch_is_divided_so_that_each_statement_is_within_the_servers_limit() -> None:
    small = OneTransaction(packet_bytes_max=65_536)
    batch = accepted(list(range(1, BATCH_MAX + 1)))
    assert len(ledger_on(small).write(batch, [])) == BATCH_MAX
    assert [row[2] for row in small.cursor.rows] == list(range(1, BATCH_MAX + 1))
    assert small.cursor.statements > 1
    large = OneTransaction()
    ledger_on(large).write(batch, [])
    assert large.cursor.statements == 1
