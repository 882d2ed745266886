"""The consumer against MySQL: redelivery, rejections, poison, races. Counted in MySQL itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    coupons,
    create_campaign,
    failures,
    kafka_event,
    message,
    rows,
)
from tests.support.state import statement
from tests.support.unique_keys import without_unique_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

DONE: dict[str, list[object]] = {"batchItemFailures": []}


def test_a_batch_is_written_once_however_often_it_is_delivered(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=10)
    event = kafka_event(message(campaign_id, f"user-{n}", n) for n in range(1, 11))
    assert [consume_handler(event, None) for _ in range(3)] == [DONE] * 3
    assert coupons(service, campaign_id) == [(f"user-{n}", n) for n in range(1, 11)]
    assert failures(service, campaign_id) == {}


def test_the_same_coupon_in_two_records_of_one_batch_is_one_row_and_no_failure(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    twice = [message(campaign_id, "42", 1), message(campaign_id, "42", 1)]
    assert consume_handler(kafka_event(twice), None) == DONE
    assert coupons(service, campaign_id) == [("42", 1)]
    assert failures(service, campaign_id) == {}


def test_records_that_the_schema_rejects_are_stored_with_their_reason(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, "owner", 1)]), None)
    foreign = [
        message(campaign_id, "above", 6),
        message(campaign_id, "far-above", 10**40),
        message(campaign_id, "zero", 0),
        message(campaign_id, "negative", -1),
        message(campaign_id, "thief", 1),
        message(campaign_id, "owner", 2),
        message(campaign_id, "fine", 3),
    ]
    unknown = message(f"{campaign_id}-none", "lost", 1)
    assert consume_handler(kafka_event([*foreign, unknown], first=100), None) == DONE
    assert coupons(service, campaign_id) == [("owner", 1), ("fine", 3)]
    assert failures(service, campaign_id) == {
        "above": "SERIAL_OUT_OF_RANGE",
        "far-above": "SERIAL_OUT_OF_RANGE",
        "zero": "SERIAL_OUT_OF_RANGE",
        "negative": "SERIAL_OUT_OF_RANGE",
        "thief": "SERIAL_TAKEN",
        "owner": "USER_HAS_OTHER_SERIAL",
    }
    assert failures(service, f"{campaign_id}-none") == {"lost": "CAMPAIGN_UNKNOWN"}


def test_poison_records_are_stored_with_their_bytes_and_the_others_are_written(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    poison = [b"\xff\xfe", b"{", None, b'{"v":2}', b"[]", b'"\\ud800"', b"[" * 20_000]
    event = kafka_event([*poison, message(campaign_id, "fine", 1)], first=7)
    event["records"]["coupon_create-0"][1]["value"] = "no base64!"
    for _ in range(2):
        assert consume_handler(event, None) == DONE
    assert coupons(service, campaign_id) == [("fine", 1)]
    stored = rows(
        service,
        "SELECT topic, partition_no, offset_no, payload, reason, status FROM failed_event"
        " ORDER BY offset_no",
    )
    expected = [poison[0], b"no base64!", *poison[2:]]
    assert stored == [
        ("coupon_create", 0, offset, value, "UNDECODABLE", "PENDING")
        for offset, value in enumerate(expected, 7)
    ]


def test_another_record_at_the_same_position_of_a_recreated_topic_is_stored_as_well(
    service: Settings,
) -> None:
    for poison in (b"first", b"second", b"second"):
        consume_handler(kafka_event([poison]), None)
    stored = rows(service, "SELECT topic, payload FROM failed_event ORDER BY id")
    assert [payload for _, payload in stored] == [b"first", b"second"]
    assert len({topic for topic, _ in stored}) == 2


def test_a_foreign_record_does_not_clear_the_pending_of_the_real_one(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = apply(campaign_id, "42").body["serial"]
    pending = f"coupon:{{{campaign_id}}}:pending"
    with closing(connect(service)) as redis:
        consume_handler(kafka_event([message(campaign_id, "42", 9)]), None)
        assert redis.zcard(pending) == 1
        consume_handler(kafka_event([message(campaign_id, "42", serial)], first=1), None)
        assert redis.zcard(pending) == 0


def test_a_coupon_that_redis_does_not_know_is_put_back_after_the_commit(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, "forgotten", 3)]), None)
    again = apply(campaign_id, "forgotten")
    assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", 3)
    given = [apply(campaign_id, user).body["serial"] for user in ("next", "another", "last")]
    assert given == [1, 2, 4]


def test_two_consumers_with_the_same_records_at_once_write_each_coupon_once(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=400)
    _consume_at_once(campaign_id)
    assert coupons(service, campaign_id) == [(f"user-{n}", n) for n in range(1, 401)]
    assert failures(service, campaign_id) == {}


@pytest.fixture
def unguarded(service: Settings) -> Iterator[Settings]:
    """The same tables without the UNIQUE keys of coupon."""
    with without_unique_keys(partial(statement, service)):
        yield service


def test_without_the_unique_keys_two_consumers_would_write_coupons_twice(
    unguarded: Settings, campaign_id: str
) -> None:
    """The negative control of the test above."""
    create_campaign(campaign_id, quantity=400)
    _consume_at_once(campaign_id)
    assert len(coupons(unguarded, campaign_id)) > 400


def _consume_at_once(campaign_id: str, consumers: int = 4) -> None:
    """Let several consumers write the same 400 coupons, each with its own connection."""
    event = kafka_event(message(campaign_id, f"user-{n}", n) for n in range(1, 401))
    start = Barrier(consumers)

    def consume() -> object:
        start.wait()
        return consume_handler(event, None)

    with ThreadPoolExecutor(consumers) as pool:
        results = [pool.submit(consume) for _ in range(consumers)]
        assert [result.result() for result in results] == [DONE] * consumers


def test_a_coupons_states_are_shown_to_its_owner_and_to_the_administrator(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="42").code == "NOT_APPLIED"
    serial = apply(campaign_id, "42").body["serial"]
    pending = ask("GET /campaigns/{id}/coupon", campaign_id, user="42").body
    assert (pending["status"], pending["serial"], pending["code"]) == ("PENDING", serial, None)
    before = ask("GET /campaigns/{id}/stats", campaign_id, user="admin", scope=ADMIN).body
    consume_handler(kafka_event([message(campaign_id, "42", serial)]), None)
    issued = ask("GET /campaigns/{id}/coupon", campaign_id, user="42").body
    assert (issued["status"], issued["serial"], len(issued["code"])) == ("ISSUED", serial, 16)
    after = ask("GET /campaigns/{id}/stats", campaign_id, user="admin", scope=ADMIN).body
    assert (before["admitted"], before["pending"], before["issued"]) == (1, 1, 0)
    assert before["oldest_pending_s"] >= 0
    assert after == {
        "admitted": 1,
        "pending": 0,
        "issued": 1,
        "failed": 0,
        "remaining": 1,
        "oldest_pending_s": 0,
    }
