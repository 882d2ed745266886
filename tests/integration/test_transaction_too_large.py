"""A MySQL whose limits take a part of a batch and not all of it: the batch is written in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import consume, restore
from handlers.adapters.mysql import error_codes
from handlers.adapters.mysql import ledger as ledger_module
from handlers.consume import consume_handler
from handlers.domain.errors import TransactionTooLargeError, UnavailableError
from handlers.domain.record import FailedEvent, Reason, Record
from local.servers import MariaDB
from tests.support.mutated import in_one_piece
from tests.support.own_database import migrated, on_database
from tests.support.service import (
    coupons,
    create_campaign,
    failures,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress
    from handlers.domain.coupon import CouponAccepted

DONE: dict[str, list[object]] = {"batchItemFailures": []}
# Of the binary log of one transaction: a few dozen coupons.
LIMIT_BYTES = 16_384
BATCH = 1000


class BoundedServer(MariaDB):
    def command(self) -> Sequence[str]:
        sizes = (
            f"--{name}={LIMIT_BYTES}" for name in ("binlog-cache-size", "max-binlog-cache-size")
        )
        return [*super().command(), "--log-bin=binlog", "--server-id=1", *sizes]


@pytest.fixture(scope="module")
def bounded_server() -> Iterator[DatabaseAddress]:
    with BoundedServer() as server:
        yield migrated(server)


@pytest.fixture
def bounded(service: Settings, bounded_server: DatabaseAddress) -> Iterator[Settings]:
    """The service with a MySQL whose transactions may write 16 KiB of binary log."""
    with on_database(service, bounded_server) as there:
        yield there


def batch_of(campaign_id: str) -> list[CouponAccepted]:
    return [message(campaign_id, f"user-{n}-{'x' * 50}", n) for n in range(1, BATCH + 1)]


def test_a_batch_that_exceeds_the_binary_logs_cache_is_written_in_parts(
    bounded: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=BATCH)
    assert consume_handler(kafka_event(batch_of(campaign_id)), None) == DONE
    assert [serial for _, serial in coupons(bounded, campaign_id)] == list(range(1, BATCH + 1))
    assert failures(bounded, campaign_id) == {}


def test_as_an_outage_such_a_batch_would_come_again_for_ever(
    bounded: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    create_campaign(campaign_id, quantity=BATCH)
    monkeypatch.delitem(error_codes.TOO_LARGE, 1197)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="error 1197"):
            consume_handler(kafka_event(batch_of(campaign_id)), None)
    assert coupons(bounded, campaign_id) == []


def test_control_in_one_piece_such_a_batch_would_come_again_for_ever(
    bounded: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=BATCH)
    monkeypatch.setattr(consume, "_write_halves", in_one_piece)
    for _ in range(2):
        with pytest.raises(TransactionTooLargeError):
            consume_handler(kafka_event(batch_of(campaign_id)), None)
    assert coupons(bounded, campaign_id) == []


def test_records_from_the_bucket_are_stored_in_parts(bounded: Settings) -> None:
    events = [
        FailedEvent(Record("restored", 0, n, 0, None, b"v" * 2000), Reason.UNDECODABLE, "a test")
        for n in range(20)
    ]
    restore._store(events)
    [(count,)] = rows(bounded, "SELECT COUNT(*) FROM failed_event WHERE topic = 'restored'")
    assert count == len(events)


@pytest.mark.parametrize("code", error_codes.TOO_LARGE)
@pytest.mark.parametrize("count", [1, 3])
def test_a_single_record_that_is_too_large_is_an_outage_and_dead_letters_nothing(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, code: int, count: int
) -> None:
    create_campaign(campaign_id)
    insert = ledger_module.INSERT_COUPONS
    signal = f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}"
    monkeypatch.setattr(ledger_module, "INSERT_COUPONS", signal)
    event = kafka_event([message(campaign_id, f"user-{n}", n) for n in range(1, count + 1)])
    with pytest.raises(TransactionTooLargeError, match=f"error {code}"):
        consume_handler(event, None)
    assert failures(service, campaign_id) == {}
    monkeypatch.setattr(ledger_module, "INSERT_COUPONS", insert)
    assert consume_handler(event, None) == DONE
    assert len(coupons(service, campaign_id)) == count
