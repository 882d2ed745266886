"""The search for the id of a user who was erased: it finds it in each store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.redis.keys import CampaignKeys
from tests.simulation.machine import TO_THE_END, Protocol
from tests.simulation.plans import Plan, Then
from tests.simulation.test_erased import ERASED
from tests.simulation.test_returned import ANN, CONSUMER, all_of

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

EVENT = "INSERT INTO coupon_event (campaign_id, kind, actor, reason) VALUES (%s, 'USED', %s, %s)"
FAILED = (
    "INSERT INTO failed_event (campaign_id, topic, partition_no, offset_no, reason, user_id, "
    "record_key, payload, detail) VALUES (%s, 'other', 0, 0, 'UNDECODABLE', %s, %s, %s, %s)"
)
DELIVERY = (
    "INSERT INTO webhook_delivery (campaign_id, webhook_id, event_id, kind, detail, occurred_at, "
    "expires_at) VALUES (%s, 'wh', 'one', 'coupon.revoked', %s, NOW(3), NOW(3))"
)
COUPON = (
    "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at) "
    "VALUES (%s, 'ann', 9, 'C', NOW(3))"
)
LEFT_IN_MYSQL = [
    (COUPON, [], "coupon"),
    (EVENT, ["ann", None], "coupon_event"),
    (EVENT, ["admin", "it was ann."], "coupon_event"),
    (FAILED, ["ann", None, None, ""], "failed_event"),
    (FAILED, [None, b"ann", None, ""], "failed_event"),
    (FAILED, [None, None, b'{"user_id":"ann"}', ""], "failed_event"),
    (FAILED, [None, None, None, "user ann has another serial"], "failed_event"),
    (DELIVERY, ['{"reason":"ann asked"}'], "webhook_delivery"),
]


@pytest.fixture
def machine(cluster: Cluster) -> Protocol:
    """A history in which ann has got a coupon, and was erased."""
    made: Protocol = type("Protocol", (Protocol,), {"cluster": cluster})()
    cluster.begin([2])
    all_of(made, ANN, CONSUMER, ERASED)
    assert cluster.shop.erasures.erased == {"ann"}
    assert found(made) == []
    return made


def found(machine: Protocol) -> list[str]:
    return list(machine.cluster.shop.erasures.violations())


def names(store: str) -> list[str]:
    return [f"PRIVACY: the id of ann, who was erased, is in ['{store}']"]


@pytest.mark.parametrize(("statement", "values", "table"), LEFT_IN_MYSQL)
def test_an_id_that_is_left_in_mysql_is_found(
    statement: str, values: list[object], table: str, machine: Protocol
) -> None:
    [campaign] = machine.cluster.campaigns
    machine.cluster.rows(statement, campaign.id, *values)
    assert found(machine) == names(table)


@pytest.mark.parametrize("key", ["applied_user", "pending", "resent", "rate"])
def test_an_id_that_is_left_in_redis_is_found(key: str, machine: Protocol) -> None:
    [campaign] = machine.cluster.campaigns
    name = getattr(CampaignKeys.of(campaign.id), key)
    put = ("HSET", name, "ann", 1) if key == "rate" else ("ZADD", name, 1, "ann")
    wiring.scripts().command(*put)
    assert found(machine) == names(key)


def test_who_applies_again_may_be_stored_again(machine: Protocol) -> None:
    all_of(machine, ANN)
    assert machine.cluster.shop.erasures.erased == set()


def test_who_applies_while_the_erasure_runs_may_be_stored(cluster: Cluster) -> None:
    made: Protocol = type("Protocol", (Protocol,), {"cluster": cluster})()
    cluster.begin([2])
    applying = made.play(ANN, Plan(0, None, Then.PAUSES))
    assert applying
    all_of(made, ERASED)
    made.follow(applying, TO_THE_END)
    assert cluster.shop.erasures.erased == set()
