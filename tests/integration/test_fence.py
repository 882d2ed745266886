"""The fence in MySQL: a row that apply writes, and a rebuild that raises the fence meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql import connection, fences, ledger
from handlers.domain.errors import StaleStateError
from handlers.domain.record import DecodedRecord
from tests.support.service import coupons, create_campaign, message, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.cursors import Cursor

    from handlers.config import Settings

LOCK, FOR_UPDATE = "LOCK IN SHARE MODE", "FOR UPDATE"
# Both statements take less than a millisecond unless they wait for a lock.
RUNNING = (
    "SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND command = 'Query' AND id <> CONNECTION_ID() AND info LIKE %s"
)


@contextmanager
def transaction(settings: Settings) -> Iterator[Cursor]:
    """A transaction as the service has them, which the test commits."""
    assert settings.database_address
    opened = connection.connect(settings.database_address, charset="utf8mb4")
    try:
        with opened.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            opened.begin()
            yield cursor
            opened.commit()
    finally:
        opened.close()


def await_waiting(settings: Settings, statement: str) -> None:
    """Wait until another connection runs such a statement."""
    eventually(lambda: rows(settings, RUNNING, statement) == [(1,)], f"{statement} to run")


def write(cursor: Cursor, campaign_id: str, fence: int) -> None:
    """Do what apply does in its transaction."""
    row = DecodedRecord(message(campaign_id, "42", 1, fence), ledger._nowhere)
    assert wiring.ledger().insert(cursor, [row], direct=True) == {}


def test_a_row_counts_only_under_the_fence_that_admitted_its_user(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert wiring.fences().raise_fence(campaign_id) == 2
    write_all = wiring.direct_writer().write_all
    assert write_all([message(campaign_id, "old", 1, 1)]) == [False]
    assert write_all([message(campaign_id, "none", 2, 0)]) == [False]
    assert write_all([message(campaign_id, "new", 3, 2), message(campaign_id, "old", 1, 1)]) == [
        True,
        False,
    ]
    assert coupons(service, campaign_id) == [("new", 3)]
    assert write_all([message(campaign_id, "new", 3, 1)]) == [True]  # it has this coupon already


def test_a_fence_waits_for_a_row_that_is_being_written(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    with ThreadPoolExecutor(1) as rebuild, transaction(service) as cursor:
        write(cursor, campaign_id, 1)
        raised = rebuild.submit(wiring.fences().raise_fence, campaign_id)
        await_waiting(service, "%UPDATE campaign SET fence%")
        assert not raised.done()
        cursor.connection.commit()
        assert raised.result() == 2
    assert coupons(service, campaign_id) == [("42", 1)]


def test_a_row_waits_for_a_fence_that_is_being_raised_and_is_refused(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert refused_while_raised(service, campaign_id)


def test_without_the_lock_the_row_comes_after_the_rebuild_has_looked(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: comparing the fence alone is not enough."""
    assert LOCK in ledger.INSERT_COUPONS
    monkeypatch.setattr(ledger, "INSERT_COUPONS", ledger.INSERT_COUPONS.replace(LOCK, ""))
    create_campaign(campaign_id)
    assert not refused_while_raised(service, campaign_id)


def refused_while_raised(settings: Settings, campaign_id: str) -> bool:
    """Write a row of fence 1 while another transaction raises it; return whether it is refused."""
    row = [message(campaign_id, "42", 1, 1)]
    with ThreadPoolExecutor(1) as apply, transaction(settings) as cursor:
        cursor.execute("UPDATE campaign SET fence = fence + 1 WHERE id = %s", (campaign_id,))
        written = apply.submit(wiring.direct_writer().write_all, row)
        await_waiting(settings, "%INSERT INTO coupon%")
        cursor.connection.commit()
        assert written.result() == [coupons(settings, campaign_id) != []]
    return coupons(settings, campaign_id) == []


def test_two_rebuilds_never_get_the_same_fence(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    with ThreadPoolExecutor(8) as rebuilds:
        raised = list(rebuilds.map(wiring.fences().raise_fence, [campaign_id] * 40))
    assert sorted(raised) == list(range(2, 42))


def test_the_end_of_the_topic_is_stored_for_the_present_fence_only(
    service: Settings, campaign_id: str
) -> None:
    assert service
    create_campaign(campaign_id)
    stored = wiring.fences()
    for name, fence in (("unknown", 2), (campaign_id, 2)):
        with pytest.raises(StaleStateError):
            stored.store_offsets(name, fence, "coupon_create", {0: 1})
    for _ in range(2):  # a repetition changes nothing
        stored.store_offsets(campaign_id, 1, "coupon_create", {0: 1, 1: 5})
    assert sorted(stored.offsets(campaign_id)) == [
        (1, "coupon_create", 0, 1),
        (1, "coupon_create", 1, 5),
    ]


def store_the_end(campaign_id: str) -> None:
    wiring.fences().store_offsets(campaign_id, 1, "coupon_create", {0: 1})


def test_the_end_of_the_topic_waits_for_a_row_that_is_being_written(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    with ThreadPoolExecutor(1) as rebuild, transaction(service) as cursor:
        write(cursor, campaign_id, 1)
        stored = rebuild.submit(store_the_end, campaign_id)
        await_waiting(service, "%FOR UPDATE%")
        assert not stored.done()
        cursor.connection.commit()
        stored.result()
    assert coupons(service, campaign_id) == [("42", 1)]


def test_control_without_the_lock_a_rebuild_reads_the_rows_before_one_that_was_in_time(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FOR_UPDATE in fences.LOCK_CAMPAIGN
    lockless = fences.LOCK_CAMPAIGN.replace(FOR_UPDATE, "")
    monkeypatch.setattr(fences, "LOCK_CAMPAIGN", lockless)
    create_campaign(campaign_id)
    with ThreadPoolExecutor(1) as rebuild, transaction(service) as cursor:
        write(cursor, campaign_id, 1)
        rebuild.submit(store_the_end, campaign_id).result()
        assert coupons(service, campaign_id) == []
    assert coupons(service, campaign_id) == [("42", 1)]
