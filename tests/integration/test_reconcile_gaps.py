"""Gaps of an open campaign: a serial that nothing has is given back, and no other."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from handlers import operations, wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.mysql.database import Database
from handlers.consume import consume_handler
from handlers.domain.coupon import decoded
from handlers.domain.reconciliation import reconciler as comparison
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.reconcile import give_gaps_back
from local.migrate import database_address
from local.servers.ports import free_port
from tests.integration.conftest import RECHECK_DELAY_S
from tests.support.drift import (
    Redis,
    admit,
    run,
)
from tests.support.service import (
    apply,
    coupons,
    create_campaign,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings


@pytest.fixture
def sold(lossy: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The service with its own topic, and a recheck that does not wait."""
    monkeypatch.setattr(comparison, "RECHECK_DELAY_S", RECHECK_DELAY_S)
    return lossy


def lose_admission(settings: Settings, campaign_id: str, user: str) -> None:
    """Let Redis forget a user, which leaves a gap."""
    for key in ("applied_user", "pending"):
        Redis(settings, campaign_id)("ZREM", key, user)


def consume_everything(settings: Settings, campaign_id: str, but: str = "") -> None:
    """Write the records of the topic, except one user's, and commit the offsets."""
    values = decoded(one.value for one in wiring.topic().unconsumed().records)
    ours = [m for m in values if m.campaign_id == campaign_id and m.user_id != but]
    consume_handler(kafka_event(ours), None)
    topic, group = settings.coupon_topic, settings.consumer_group
    with closing(KafkaConsumer(group_id=group, **connection_options(settings))) as consumer:
        partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(partitions)
        consumer.commit({one: OffsetAndMetadata(end) for one, end in ends.items()})


def test_a_serial_that_nothing_has_is_given_back_and_the_next_applicant_gets_it(
    sold: Settings, campaign_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_campaign(campaign_id, quantity=3)
    for user in ("a", "b", "c"):
        apply(campaign_id, user)
    lose_admission(sold, campaign_id, "b")
    assert apply(campaign_id, "late").code == "SOLD_OUT"
    consume_everything(sold, campaign_id, but="b")
    assert run("--repair", campaign_id) == 0
    assert "nothing left\n  repaired: 1 SERIAL_GAP\n" in capsys.readouterr().out
    assert run("--repair", campaign_id) == 0  # and it is given back once
    assert Redis(sold, campaign_id)("LRANGE", "returned", 0, -1) == [b"2"]
    assert apply(campaign_id, "late").body["serial"] == 2


def in_the_topic(settings: Settings, campaign_id: str) -> None:
    """The record is in the topic, and the consumer has not read it."""


def in_failed_event(settings: Settings, campaign_id: str) -> None:
    """A waiting event has it, and the consumer is done with everything."""
    consume_handler(kafka_event([message(campaign_id, "third", 99)], first=10**9), None)
    sql = "UPDATE failed_event SET payload = %s WHERE campaign_id = %s"
    rows(settings, sql, message(campaign_id, "b", 2).encode(), campaign_id)
    consume_everything(settings, campaign_id, but="b")


def in_mysql(settings: Settings, campaign_id: str) -> None:
    """Its row is in MySQL, and came there after the comparison."""
    consume_everything(settings, campaign_id, but="b")
    insert = "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at) "
    values = "VALUES (%s, 'b', 2, %s, '2026-01-01')"
    rows(settings, insert + values, campaign_id, campaign_id[-16:])


def given_back_already(settings: Settings, campaign_id: str) -> None:
    """Another repair was faster."""
    consume_everything(settings, campaign_id, but="b")
    Redis(settings, campaign_id)("RPUSH", "returned", 2)


@pytest.mark.parametrize(
    "place", [in_the_topic, in_failed_event, in_mysql, given_back_already], ids=lambda f: f.__name__
)
def test_a_serial_that_something_has_is_not_given_back(
    sold: Settings, campaign_id: str, place: Callable[[Settings, str], None]
) -> None:
    create_campaign(campaign_id, quantity=3)
    for user in ("a", "b", "c"):
        apply(campaign_id, user)
    lose_admission(sold, campaign_id, "b")
    place(sold, campaign_id)
    before = Redis(sold, campaign_id)("LRANGE", "returned", 0, -1)
    gaps = SerialBitset()
    gaps.add(2)
    assert give_gaps_back(campaign_id, gaps) == 0
    assert Redis(sold, campaign_id)("LRANGE", "returned", 0, -1) == before


@pytest.mark.parametrize("place", [in_the_topic, in_failed_event, in_mysql])
def test_without_the_proof_such_a_serial_would_be_given_to_two_users(
    sold: Settings,
    campaign_id: str,
    place: Callable[[Settings, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control."""
    create_campaign(campaign_id, quantity=3)
    for user in ("a", "b", "c"):
        apply(campaign_id, user)
    lose_admission(sold, campaign_id, "b")
    place(sold, campaign_id)
    monkeypatch.setattr("handlers.reconcile._in_use", lambda *_: iter(()))
    gaps = SerialBitset()
    gaps.add(2)
    assert give_gaps_back(campaign_id, gaps) == 1


def test_only_a_serial_up_to_the_count_that_no_user_holds_is_given_back_and_only_once(
    sold: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=9)
    for user in ("a", "b", "c"):
        admit(campaign_id, user)
    redis, register = Redis(sold, campaign_id), operations.admission_reader()
    redis("ZREM", "applied_user", "b", "c")
    for given in (2, 0):  # a call that is sent twice, because its answer was lost
        assert register.give_back(campaign_id, [1, 2, 3, 4]) == given
    assert redis("LRANGE", "returned", 0, -1) == [b"2", b"3"]


def test_while_a_rebuild_runs_and_without_kafka_nothing_is_given_back(
    sold: Settings,
    campaign_id: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create_campaign(campaign_id, quantity=3)
    admit(campaign_id, "a")
    lose_admission(sold, campaign_id, "a")
    with (
        closing(Database(lambda: database_address(sold))) as other,
        other.advisory_lock("rebuild") as is_locked,
    ):
        assert is_locked
        assert run("--repair", campaign_id) == 1
    assert "no serial is given back: a rebuild or another" in capsys.readouterr().err
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    wiring.reset()
    assert run("--repair", campaign_id) == 1
    shown = capsys.readouterr()
    assert "no serial is given back: Kafka gave no answer" in shown.err
    assert "SERIAL_GAP is left" in shown.out
    assert not Redis(sold, campaign_id)("EXISTS", "returned")


def test_a_forged_record_takes_one_serial_and_sells_nothing_out(
    sold: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=4)
    consume_handler(kafka_event([message(campaign_id, "forger", 4)], first=10**9), None)
    assert [apply(campaign_id, user).body.get("serial") for user in "abcd"] == [1, 2, 3, None]
    consume_everything(sold, campaign_id)
    assert coupons(sold, campaign_id) == [("a", 1), ("b", 2), ("c", 3), ("forger", 4)]
    assert run() == 0
