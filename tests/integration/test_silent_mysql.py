"""The state of one's own coupon while MySQL is silent: it is there, and no byte comes back."""

from __future__ import annotations

import dataclasses
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql.database import OF_A_READER, Database
from handlers.adapters.mysql.guarded_database import OPEN_S
from handlers.adapters.mysql.queries import MySqlQueries
from handlers.consume import consume_handler
from local.servers.ports import free_port
from tests.faults.engine.links import LinkMode, Links
from tests.support.service import apply, ask, create_campaign, cut_off_redis, kafka_event, message
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.faults.engine.links import Link

COUPON = "GET /campaigns/{id}/coupon"
# The reply that does not come, once, on a busy machine.
FIRST_S_MAX = OF_A_READER.reply_s + 0.9
AT_ONCE_S = 0.5


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


@pytest.mark.parametrize("connection", ["kept", "new"])
def test_the_first_answer_comes_within_one_timeout_and_the_next_at_once_until_mysql_is_back(
    link: Link, campaign_id: str, connection: str
) -> None:
    create_campaign(campaign_id)
    serial = apply(campaign_id, "42").body["serial"]
    consume_handler(kafka_event([message(campaign_id, "42", serial)]), None)
    if connection == "kept":
        assert timed(campaign_id, "42")[0] == "ISSUED"
    link.set(LinkMode.SILENT)
    status, took_s = timed(campaign_id, "42")
    assert status == "PENDING"
    assert took_s < FIRST_S_MAX
    for user, seen in (("42", "PENDING"), ("stranger", "NOT_APPLIED")):
        status, took_s = timed(campaign_id, user)
        assert status == seen
        assert took_s < AT_ONCE_S
    link.set(LinkMode.OPEN)
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
    began_at = time.monotonic()
    eventually(lambda: timed(campaign_id, "42")[0] == "ISSUED", "the coupon of MySQL")
    assert time.monotonic() - began_at < OPEN_S + AT_ONCE_S
