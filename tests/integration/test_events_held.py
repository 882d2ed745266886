"""A reader of events misses none whose transaction is committed late."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql import event_list
from handlers.adapters.mysql.coupon_events import add_event
from handlers.consume import consume_handler
from handlers.domain.coupon_event import CouponEvent, EventKind
from tests.support.events import DAY, ORDER, followed, kinds, life, listed
from tests.support.life import INSERT_COUPON, INSERT_EVENT, coupon_row, event_row, transaction
from tests.support.service import create_campaign, kafka_event, message, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings

OF_A_LATE_COUPON = [("CREATED", None), ("ISSUED", 1), ("CHANGED", None)]


@pytest.mark.parametrize("statement", [INSERT_COUPON, INSERT_EVENT])
def test_no_event_is_missed_whose_transaction_was_held_open(
    service: Settings, campaign_id: str, statement: str
) -> None:
    life(service, campaign_id)
    is_coupon = statement is INSERT_COUPON
    at = f"{DAY}02.500"
    late = (
        coupon_row(campaign_id, 3, at) if is_coupon else event_row(campaign_id, 2, "RESERVED", at)
    )
    with transaction(service) as cursor:
        cursor.execute(statement, late)
        before, end = followed(campaign_id, 2)
        assert kinds(before) == ORDER[:4]
        held = listed(campaign_id, after=end).body
        assert (held["events"], held["more"], held["next_after"]) == ([], False, end)
        assert held["settled_until"] == "2026-11-22T03:00:02.500Z"
        # A person may see what is committed already; a reader that goes on gets it again.
        assert kinds(held["recent"]) == ORDER[4:]
    after, _ = followed(campaign_id, 2, end)
    assert kinds(after) == [("ISSUED", 3) if is_coupon else ("RESERVED", 2), *ORDER[4:]]


def test_control_without_the_dirty_read_a_reader_misses_the_late_event(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    life(service, campaign_id)
    monkeypatch.setattr(event_list, "DIRTY", ())
    with transaction(service) as cursor:
        cursor.execute(INSERT_EVENT, event_row(campaign_id, 2, "RESERVED", f"{DAY}02.500"))
        before, end = followed(campaign_id, 2)
    assert kinds(before) == ORDER
    assert followed(campaign_id, 2, end)[0] == []


def test_an_event_that_is_rolled_back_holds_no_other_up(
    service: Settings, campaign_id: str
) -> None:
    life(service, campaign_id)
    with transaction(service) as cursor:
        cursor.execute(INSERT_EVENT, event_row(campaign_id, 2, "RESERVED", f"{DAY}02.500"))
        assert len(followed(campaign_id, 2)[0]) == 4
        cursor.connection.rollback()
    assert kinds(followed(campaign_id, 2)[0]) == ORDER


def test_the_next_transaction_of_a_reader_reads_committed_rows_only(
    service: Settings, campaign_id: str
) -> None:
    life(service, campaign_id)
    with transaction(service) as cursor:
        cursor.execute(INSERT_COUPON, coupon_row(campaign_id, 3, f"{DAY}05.000"))
        for _ in range(2):
            listed(campaign_id)
            assert wiring.mysql_queries().counts(campaign_id) == (2, 0)


def test_a_transaction_of_another_campaign_holds_up_nothing(
    service: Settings, campaign_id: str
) -> None:
    life(service, campaign_id)
    other = f"{campaign_id}-other"
    create_campaign(other)
    with transaction(service) as cursor:
        cursor.execute(INSERT_EVENT, event_row(other, 2, "RESERVED", f"{DAY}02.500"))
        assert kinds(followed(campaign_id, 2)[0]) == ORDER
        assert followed(other, 2)[0] == []


def write_a_coupon_late(
    settings: Settings, campaign_id: str
) -> tuple[str, list[tuple[str, int | None]]]:
    """Let the consumer's statement wait for a lock while a later event is committed.

    Returns where a reader goes on who has read the list in between, and what that reader got.
    """
    create_campaign(campaign_id)
    consumer = Thread(
        target=consume_handler, args=(kafka_event([message(campaign_id, "u1", 1)]), None)
    )
    waiting = (
        "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'INSERT INTO coupon (%%'"
    )
    with transaction(settings) as cursor:
        cursor.execute("SELECT fence FROM campaign WHERE id = %s FOR UPDATE", (campaign_id,))
        consumer.start()
        eventually(lambda: rows(settings, waiting), "a statement that waits")
        event = CouponEvent(EventKind.CHANGED, campaign_id, None, "admin")
        wiring.database().run(lambda own: add_event(own, event))
        seen, end = followed(campaign_id, 10)
    consumer.join()
    for table in ("coupon", "coupon_event"):  # as if the time had passed
        rows(settings, f"UPDATE {table} SET created_at = created_at - INTERVAL 1 MINUTE")
    return end, kinds(seen)


def test_no_coupon_is_missed_whose_statement_waited_for_a_lock(
    service: Settings, campaign_id: str
) -> None:
    end, seen = write_a_coupon_late(service, campaign_id)
    assert seen == []
    assert kinds(followed(campaign_id, 10, end)[0]) == OF_A_LATE_COUPON


def test_control_without_the_margin_a_reader_has_passed_that_coupon(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(event_list, "SETTLED_AFTER_S", -60)
        _, seen = write_a_coupon_late(service, campaign_id)
    assert seen == [("CREATED", None), ("CHANGED", None)]
    # It is before what the reader has got.
    assert kinds(followed(campaign_id, 10)[0]) == OF_A_LATE_COUPON
