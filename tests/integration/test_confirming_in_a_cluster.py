"""Confirming replicas on a cluster: one shard without its replica slows down no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.adapters.circuit_breaker import CircuitBreaker
from handlers.adapters.redis import own_connection
from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from handlers.adapters.redis.own_connection import OwnConnections
from tests.support.apply_batches import codes, event
from tests.support.service import coupons, create_campaign, mint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.connection import ConnectionPool

    from handlers.adapters.redis.own_connection import OwnConnection
    from handlers.config import Settings
    from local.servers import Valkey, ValkeyCluster

pytestmark = pytest.mark.servers
LONG_S = 3600.0
ACCEPTED = ["ACCEPTED"] * 2


@pytest.fixture(autouse=True)
def one_replica_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set it before `sharded` reads the settings."""
    monkeypatch.setenv("REDIS_CONFIRMING_REPLICAS", "1")
    monkeypatch.setattr(own_connection, "WAIT_AGAIN_S", LONG_S)


@pytest.fixture
def campaigns(cluster: ValkeyCluster, sharded: Settings, campaign_id: str) -> list[str]:
    """Two campaigns on different shards, which know the script of a confirmation."""
    assert sharded.redis_cluster
    shards = {cluster.owner_of(CAMPAIGNS): ""}
    for number in range(100):
        name = f"{campaign_id}-{number}"
        shards.setdefault(shard_of(cluster, name), name)
    _, *names = shards.values()
    for name in names:
        create_campaign(name)
    assert applied(names, "first") == ACCEPTED
    return names


def shard_of(cluster: ValkeyCluster, campaign_id: str) -> Valkey:
    return cluster.owner_of(CampaignKeys.of(campaign_id).campaign)


def applied(campaigns: list[str], user: str) -> list[str]:
    """Let a user apply to all campaigns in one batch."""
    headers = {"Authorization": f"Bearer {mint(user)}"}
    return codes([event(headers, name) for name in campaigns])


def written(settings: Settings, campaigns: list[str]) -> list[set[str]]:
    """Return whom apply itself has written, for each campaign: no consumer runs here."""
    rows = [{user for user, _ in coupons(settings, name)} for name in campaigns]
    return [users - {"first"} for users in rows]


@pytest.fixture
def alone(cluster: ValkeyCluster, campaigns: list[str]) -> Iterator[None]:
    """The shard of the first campaign has no replica."""
    replica = cluster.replica_of(shard_of(cluster, campaigns[0]))
    replica.kill()
    yield
    replica.start()


def test_on_a_whole_cluster_replicas_confirm_the_admissions_of_every_shard(
    sharded: Settings, campaigns: list[str]
) -> None:
    assert applied(campaigns, "42") == ACCEPTED
    assert written(sharded, campaigns) == [set(), set()]


@pytest.mark.usefixtures("alone")
def test_a_shard_without_its_replica_writes_to_mysql_and_all_others_go_on(
    sharded: Settings, campaigns: list[str]
) -> None:
    for user in ("42", "43", "44"):
        assert applied(campaigns, user) == ACCEPTED
    assert written(sharded, campaigns) == [{"42", "43", "44"}, set()]


@pytest.mark.usefixtures("alone")
def test_control_with_one_breaker_for_all_nodes_no_shard_would_go_on(
    sharded: Settings, campaigns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_all = CircuitBreaker(failures_max=1, open_s=LONG_S)
    to = OwnConnections.to

    def shared(owner: OwnConnections, server: str, pool: ConnectionPool) -> OwnConnection:
        connection = to(owner, server, pool)
        connection.replicas = of_all
        return connection

    monkeypatch.setattr(OwnConnections, "to", shared)
    assert applied(campaigns[:1], "42") == ["ACCEPTED"]
    assert applied(campaigns, "43") == ACCEPTED
    assert written(sharded, campaigns) == [{"42", "43"}, {"43"}]
