"""The consumer when MySQL or Redis is unreachable: what it retries, raises, leaves undone."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.consume import consume_handler
from handlers.domain.errors import UnavailableError
from tests.support.service import (
    apply,
    ask,
    coupons,
    create_campaign,
    cut_off_redis,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress

DONE: dict[str, list[object]] = {"batchItemFailures": []}


def test_an_unreachable_mysql_raises_so_that_the_batch_comes_again(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    address = service.database_address
    assert address
    nowhere = dataclasses.replace(service, database_address=dataclasses.replace(address, port=1))
    wiring.reset()
    with wiring.override(wiring.settings, nowhere), pytest.raises(UnavailableError):
        consume_handler(kafka_event([message(campaign_id, "42", 1)]), None)
    wiring.reset()
    assert consume_handler(kafka_event([message(campaign_id, "42", 1)]), None) == DONE
    assert coupons(service, campaign_id) == [("42", 1)]


def test_while_mysql_is_down_the_owner_of_an_admission_sees_pending_from_redis(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    serial = apply(campaign_id, "42").body["serial"]
    address = service.database_address
    assert address
    nowhere = dataclasses.replace(service, database_address=dataclasses.replace(address, port=1))
    wiring.reset()
    with wiring.override(wiring.settings, nowhere):
        seen = ask("GET /campaigns/{id}/coupon", campaign_id, user="42")
        stranger = ask("GET /campaigns/{id}/coupon", campaign_id, user="stranger")
        cut_off_redis(nowhere)
        unsure = ask("GET /campaigns/{id}/coupon", campaign_id, user="42")
    assert (seen.status, seen.body["status"], seen.body["serial"]) == (200, "PENDING", serial)
    assert seen.body["code"] is None
    assert stranger.code == "NOT_APPLIED"
    assert unsure.status == 503


def test_a_connection_that_mysql_killed_is_replaced_and_the_batch_written(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    address: DatabaseAddress | None = service.database_address
    assert address
    victims = rows(
        service,
        "SELECT id FROM information_schema.processlist WHERE user = %s AND id <> connection_id()",
        address.user,
    )
    assert victims
    for (victim,) in victims:
        rows(service, f"KILL {victim}")
    assert consume_handler(kafka_event([message(campaign_id, "42", 1)]), None) == DONE
    assert coupons(service, campaign_id) == [("42", 1)]


def test_a_deadlock_is_retried(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    attempts: list[int] = []

    def work(cursor: object) -> str:
        attempts.append(1)
        if len(attempts) < 3:
            cursor.execute("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213")  # type: ignore[attr-defined]
        return "done"

    assert wiring.database().run(work) == "done"
    assert len(attempts) == 3


def test_an_unreachable_redis_does_not_delay_committed_rows(
    service: Settings, campaign_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    create_campaign(campaign_id)
    cut_off_redis(service)
    logger = logging.getLogger("seonchak")
    logger.addHandler(caplog.handler)
    try:
        assert consume_handler(kafka_event([message(campaign_id, "42", 1)]), None) == DONE
    finally:
        logger.removeHandler(caplog.handler)
    assert "written but not settled" in caplog.text
    assert coupons(service, campaign_id) == [("42", 1)]
