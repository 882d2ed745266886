"""The service on real servers, called directly."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from handlers import rebuild, wiring
from handlers.adapters.migration.epoch import ensure_epoch
from handlers.adapters.migration.topic import ensure_topic
from handlers.adapters.redis.keys import CAMPAIGNS
from handlers.config import Settings
from handlers.domain.reconciliation import reconciler as comparison
from handlers.retry import RetryDeadline
from local.migrate import database_address
from local.servers import ValkeyCluster
from tests.conftest import forget_campaigns, say
from tests.support.expiry import seven_coupons
from tests.support.moved_redis import address, group
from tests.support.polling import with_own_topic
from tests.support.receiver import receiver_of_everything
from tests.support.redis_loss import ACK_TIMEOUT_MS, warm_up
from tests.support.service import apply, create_campaign
from tests.support.shards import shard_of
from tests.support.state import retry_deadline
from tests.support.tls import Authority
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.receiver import Receiver

__all__ = ["address", "group"]  # fixtures

if sys.platform != "linux":
    collect_ignore = ["test_connections.py"]  # only Linux lists connections so

RECHECK_DELAY_S = 0.01


@pytest.fixture
def lossy(clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The service with a topic and a consumer group of its own."""
    own = uuid.uuid4().hex[:12]
    monkeypatch.setenv("COUPON_TOPIC", f"coupon_{own}")
    # A member of an earlier test's poll runner would let no other client commit offsets.
    monkeypatch.setenv("CONSUMER_GROUP", f"group_{own}")
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", str(ACK_TIMEOUT_MS))
    # No other process has rejections in its cache: test_rejections_elsewhere.py waits for those.
    monkeypatch.setattr(rebuild, "EXPIRED_S", 0.0)
    settings = Settings.from_environment()
    ensure_topic(settings, RetryDeadline(WAIT_S, say))
    wiring.reset()
    warm_up()
    yield settings
    wiring.reset()


@pytest.fixture
def quick(service: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Nothing is on its way in these tests, so the recheck need not wait for it."""
    monkeypatch.setattr(comparison, "RECHECK_DELAY_S", RECHECK_DELAY_S)
    return service


@pytest.fixture
def own_topic(settings: Settings) -> Settings:
    """The session's servers with a topic and a consumer group of the test's own."""
    return with_own_topic(settings)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    with ValkeyCluster() as made:
        yield made


@pytest.fixture
def sharded(
    lossy: Settings, cluster: ValkeyCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The service on an empty cluster."""
    assert lossy.stage == "local"
    monkeypatch.setenv("REDIS_URL", cluster.url)
    monkeypatch.setenv("REDIS_CLUSTER", "on")
    # What is missing in these tests is lost, and not just being created.
    monkeypatch.setattr(rebuild, "CREATION_S", 0)
    settings = Settings.from_environment()
    eventually(cluster.is_whole, "a cluster that is whole")
    forget_campaigns(settings)
    ensure_epoch(settings, database_address(settings), retry_deadline())
    wiring.reset()
    warm_up()
    yield settings
    wiring.reset()


@pytest.fixture
def campaigns(cluster: ValkeyCluster, sharded: Settings, campaign_id: str) -> tuple[str, str]:
    """Two campaigns, each on another shard, and neither on that of the list."""
    assert sharded.redis_cluster
    shards = {cluster.owner_of(CAMPAIGNS): ""}
    for number in range(100):
        name = f"{campaign_id}-{number}"
        shards.setdefault(shard_of(cluster, name), name)
    _, first, second = shards.values()
    for name in (first, second):
        create_campaign(name)
        assert apply(name, "winner").body["serial"] == 1
    return first, second


@pytest.fixture
def shop(service: Settings) -> Iterator[Receiver]:
    """A shop that is sent everything."""
    with receiver_of_everything(service) as made:
        yield made


@pytest.fixture
def seven(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    """A shop with seven coupons, whose coupon.issued it was sent."""
    with seven_coupons(service, campaign_id) as made:
        yield made
