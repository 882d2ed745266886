"""The address of Redis leads to a promoted replica, while the one before still responds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.redis.keys import CampaignKeys
from local.servers.ports import HOST
from local.servers.valkey_group import ask
from tests.e2e.conftest import gateway
from tests.e2e.test_happy_path import apply, create
from tests.e2e.test_redis_restart import migrate
from tests.support.programs import running
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from local.servers import ValkeyGroup
    from tests.faults.engine.links import Link

NO_OTHER_RUN_S, REBUILD_S = "3600", "0.2"


def test_gateway_and_scheduler_leave_the_demoted_primary_by_themselves(
    world: dict[str, str], group: ValkeyGroup, address: Link, campaign_id: str
) -> None:
    world |= {"REDIS_URL": f"redis://{HOST}:{address.port}/0", "REDIS_CLUSTER": "off"}
    migrate(world)
    intervals = ("--interval-s", NO_OTHER_RUN_S, "--rebuild-interval-s", REBUILD_S)
    with (
        gateway(world) as client,
        running("local.scheduler", *intervals, environment=world) as scheduler,
    ):
        scheduler.err.until(lambda line: "started" in line)
        assert create(client, campaign_id, 10).status == 201
        assert client.send(apply(campaign_id, "first")).body["serial"] == 1
        [replica] = group.replicas
        key = CampaignKeys.of(campaign_id).applied_user
        eventually(lambda: ask(replica, "ZCARD", key) == 1, "the replica has it")
        group.promote(replica)
        address.target = replica.port
        assert client.send(apply(campaign_id, "second")).status == 503
        scheduler.err.until(lambda line: '"rebuilt"' in line)
        eventually(lambda: client.send(apply(campaign_id, "second")).status != 503, "it is open")
        second = client.send(apply(campaign_id, "second"))
        assert (second.code, second.body["serial"]) == ("ALREADY_APPLIED", 2)
        first = client.send(apply(campaign_id, "first"))
        assert (first.code, first.body["serial"]) == ("ALREADY_APPLIED", 1)
        assert scheduler.stop() == 0
