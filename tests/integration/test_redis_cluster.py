"""The same scripts on a Redis cluster (of one node: only the protocol matters)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import redis

from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.campaigns import RedisCampaigns
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.adapters.redis.scripts import Scripts
from handlers.domain.admission import Outcome, RateLimits
from handlers.domain.campaign import Campaign
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import UnavailableError
from handlers.domain.settlement import SettledAs, Settlement
from local.servers import Valkey
from local.servers.ports import free_port
from tests.support.single import admit_one
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

ADDRESS = "203.0.113.7"


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Scripts]:
    # The bus would take the port 10,000 above, in the range of outgoing connections.
    options = {"cluster-enabled": "yes", "cluster-port": str(free_port())}
    with Valkey(options=options) as valkey:
        with redis.Redis(port=valkey.port) as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            eventually(lambda: _state(node) == "ok", "a cluster that serves")
        own = dataclasses.replace(settings, redis_url=valkey.url, redis_cluster=True)
        scripts = Scripts(lambda: connect(own), epoch=True, is_cluster=True)
        yield scripts
        scripts.close()


def _state(node: redis.Redis) -> object:
    return node.execute_command("CLUSTER INFO")["cluster_state"]


def test_admission_settlement_and_confirmation_work_on_a_cluster(cluster: Scripts) -> None:
    states, admissions = RedisCampaigns(cluster), Admissions(cluster, RateLimits(1, 1))
    RedisRebuild(cluster).renew_epoch(RedisRebuild(cluster).begin_epoch(), [])
    for name in ("first", "second"):
        states.open(Campaign(name, name, 1, 0, 2**42), created=True)
    assert states.ids() == ["first", "second"]
    for name in ("first", "second"):
        assert admit_one(admissions, name, "42", ADDRESS).outcome is Outcome.ACCEPTED
        assert admit_one(admissions, name, "43", ADDRESS).outcome is Outcome.SOLD_OUT
        assert admissions.confirm_all([CouponAccepted(name, "42", 1, 0, 1)]) == [True]
        admissions.settle([Settlement(name, "42", 1, SettledAs.COUPON)])
        assert states.status(name).pending == 0
    assert admit_one(admissions, "unknown", "42").outcome is Outcome.NOT_FOUND


def test_a_cluster_that_has_no_slots_yet_is_unavailable(settings: Settings) -> None:
    options = {"cluster-enabled": "yes", "cluster-port": str(free_port())}
    with Valkey(options=options) as valkey:
        own = dataclasses.replace(settings, redis_url=valkey.url, redis_cluster=True)
        scripts = Scripts(lambda: connect(own), epoch=True, is_cluster=True)
        with pytest.raises(UnavailableError) as caught:
            admit_one(Admissions(scripts), "welcome", "42")
        assert str(caught.value.__cause__) == "no node of the cluster has a slot"


def test_an_unreachable_cluster_is_unavailable_and_comes_back(settings: Settings) -> None:
    nowhere = dataclasses.replace(settings, redis_url="redis://127.0.0.1:1/0", redis_cluster=True)
    scripts = Scripts(lambda: connect(nowhere), epoch=True, is_cluster=True)
    with pytest.raises(UnavailableError):
        admit_one(Admissions(scripts), "welcome", "42")
