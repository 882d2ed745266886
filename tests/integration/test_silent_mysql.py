"""The state of one's own coupon while MySQL is silent: it is there, and no byte comes back."""

from __future__ import annotations

import dataclasses
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.mysql.database import OF_A_READER, Database
from handlers.adapters.mysql.guarded_database import OPEN_S, GuardedDatabase
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.consume import consume_handler
from local.servers.ports import free_port
from tests.faults.engine.links import LinkMode, Links
from tests.support.service import apply, ask, create_campaign, cut_off_redis, kafka_event, message
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from tests.faults.engine.links import Link

COUPON = "GET /campaigns/{id}/coupon"


@pytest.fixture
def link(service: Settings) -> Iterator[Link]:
    """The service's way to MySQL."""
    address = service.database_address
    assert address
    with closing(Links()) as links:
        made = links.add(free_port(), address.port)
        there = dataclasses.replace(address, port=made.port)
        wiring.reset()
        settings = dataclasses.replace(service, database_address=there)
        with wiring.override(wiring.settings, settings):
            yield made
        wiring.reset()


def timed(campaign_id: str, user: str) -> tuple[str, float]:
    """Return what the user gets, and after how many seconds."""
    began_at = time.monotonic()
    answer = ask(COUPON, campaign_id, user=user)
    took_s = time.monotonic() - began_at
    return answer.body["status"] if answer.status == 200 else answer.code, took_s


def guarded() -> GuardedDatabase:
    """Return the database that people wait for."""
    database = wiring.own_coupon_queries()._database
    assert isinstance(database, GuardedDatabase)
    return database


def tries_of(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each transaction that is begun, or that cannot be."""
    tries: list[int] = []
    transaction = database._transaction

    def counted(work: Callable[[Cursor], Any]) -> Any:
        tries.append(1)
        return transaction(work)

    monkeypatch.setattr(database, "_transaction", counted)
    return tries


@pytest.mark.parametrize("connection", ["kept", "new"])
def test_the_first_answer_waits_for_mysql_once_and_the_next_not_at_all_until_mysql_is_back(
    link: Link, campaign_id: str, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker, tries = guarded()._breaker, tries_of(guarded(), monkeypatch)
    # A busy machine may take longer for this test than the breaker is open.
    monkeypatch.setattr(breaker, "_open_s", 3600.0)
    create_campaign(campaign_id)
    serial = apply(campaign_id, "42").body["serial"]
    consume_handler(kafka_event([message(campaign_id, "42", serial)]), None)
    if connection == "kept":
        assert timed(campaign_id, "42")[0] == "ISSUED"
    link.set(LinkMode.SILENT)
    tries.clear()
    for user, seen in (("42", "PENDING"), ("42", "PENDING"), ("stranger", "NOT_APPLIED")):
        assert timed(campaign_id, user)[0] == seen
        assert len(tries) == 1
    link.set(LinkMode.OPEN)
    monkeypatch.setattr(breaker, "_probe_at", 0.0)
    eventually(lambda: timed(campaign_id, "42")[0] == "ISSUED", "the coupon of MySQL")


def test_without_the_breaker_the_next_answer_waits_as_long(link: Link, campaign_id: str) -> None:
    """The negative control."""
    create_campaign(campaign_id)
    apply(campaign_id, "42")
    unguarded = Database(wiring.secrets().database_address, patience=OF_A_READER)
    with wiring.override(wiring.own_coupon_queries, MySqlQueries(unguarded)):
        link.set(LinkMode.SILENT)
        assert min(timed(campaign_id, "42")[1] for _ in range(2)) >= OF_A_READER.reply_s


def test_with_a_second_try_after_silence_the_first_answer_takes_two_timeouts(
    link: Link, campaign_id: str
) -> None:
    """The negative control."""
    create_campaign(campaign_id)
    apply(campaign_id, "42")
    patient = dataclasses.replace(OF_A_READER, after_silence=True)
    queries = MySqlQueries(Database(wiring.secrets().database_address, patience=patient))
    with wiring.override(wiring.own_coupon_queries, queries):
        assert timed(campaign_id, "42")[0] == "PENDING"
        link.set(LinkMode.SILENT)
        assert timed(campaign_id, "42")[1] >= 2 * OF_A_READER.reply_s


def test_pending_is_said_only_where_redis_is_sure(
    service: Settings, link: Link, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    apply(campaign_id, "42")
    link.set(LinkMode.SILENT)
    assert timed(campaign_id, "42")[0] == "PENDING"
    cut_off_redis(service)
    assert ask(COUPON, campaign_id, user="42").status == 503


def test_one_probe_a_second_finds_out_that_mysql_is_back(link: Link, campaign_id: str) -> None:
    create_campaign(campaign_id)
    link.set(LinkMode.SILENT)
    apply(campaign_id, "42")
    assert timed(campaign_id, "42")[0] == "PENDING"
    link.set(LinkMode.OPEN)
    consume_handler(kafka_event([message(campaign_id, "42", 1)]), None)
    eventually(lambda: timed(campaign_id, "42")[0] == "ISSUED", "the coupon of MySQL")
    assert guarded()._breaker._open_s == OPEN_S
