"""The service on a cluster of which one shard has lost its data, or does not respond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.crc import key_slot

from handlers import rebuild, relay, wiring
from handlers.adapters.redis.keys import CAMPAIGNS, CampaignKeys
from handlers.domain.attempts import Attempts
from handlers.domain.errors import UnavailableError
from handlers.rebuild import rebuild_handler
from handlers.relay import relay_handler
from local.servers.valkey_group import ask as ask_node
from tests.support.redis_loss import mark_as_restarted
from tests.support.service import ADMIN, apply, ask, campaign_body, cut_off_redis
from tests.support.shards import close_campaign, shard_of, strand, users_in_topic, without_shard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers import Valkey, ValkeyCluster

pytestmark = pytest.mark.servers


def test_a_shard_that_lost_its_data_answers_503_and_only_unknown_campaigns_404(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    lost, other = campaigns
    ask_node(shard_of(cluster, lost), "FLUSHALL")
    assert apply(lost, "42").status == 503
    assert ask("GET /campaigns/{id}", lost).status == 503
    assert ask("GET /campaigns/{id}/coupon", lost, user="winner").status == 503
    assert apply("unknown", "42").status == 404
    assert ask("GET /campaigns/{id}", "unknown").status == 404
    assert apply(other, "42").body["serial"] == 2
    assert rebuild_handler({}, None) == {"rebuilt": [lost]}
    again = apply(lost, "winner")
    assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", 1)


def test_control_without_the_list_a_lost_campaign_looks_as_if_it_never_existed(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    lost, _ = campaigns
    ask_node(shard_of(cluster, lost), "FLUSHALL")
    wiring.scripts().is_cluster = False
    assert apply(lost, "42").status == 404


def test_a_cluster_whose_list_is_lost_answers_503_until_the_list_is_complete_again(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    ask_node(cluster.owner_of(CAMPAIGNS), "FLUSHALL")
    assert apply("unknown", "42").status == 503
    assert apply(campaigns[0], "42").status == 202  # its own shard has lost nothing
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert apply("unknown", "42").status == 404
    assert wiring.redis_campaigns().ids() == sorted(campaigns)


@pytest.fixture
def dead(cluster: ValkeyCluster, campaigns: tuple[str, str]) -> Iterator[str]:
    """A campaign whose shard is gone, with its replica."""
    with without_shard(cluster, CampaignKeys.of(campaigns[0]).campaign):
        yield campaigns[0]


def test_one_dead_shard_does_not_stop_the_rebuild_of_the_other_campaigns(
    sharded: Settings, campaigns: tuple[str, str], dead: str
) -> None:
    _, other = campaigns
    close_campaign(sharded, other)
    with pytest.raises(UnavailableError, match=f"not opened: {dead}$"):
        rebuild_handler({}, None)
    assert apply(other, "42").status == 202
    assert apply(dead, "42").status == 503
    # It says so each time, and it does not wait when there is nothing to rebuild.
    with pytest.raises(UnavailableError, match=f"not known to be open: {dead}$"):
        rebuild_handler({}, None)


def test_one_dead_shard_does_not_stop_the_relay_of_the_other_campaigns(
    sharded: Settings, campaigns: tuple[str, str], dead: str
) -> None:
    _, other = campaigns
    strand(sharded, other)
    with pytest.raises(UnavailableError, match=f"not relayed: {dead}$"):
        relay_handler({}, None)
    assert "stranded" in users_in_topic(other)


def stops_at_the_first(*, goes_on: bool) -> Attempts:
    """The attempts of a service that takes a cluster for a single server."""
    assert goes_on
    return Attempts(goes_on=False)


def test_control_a_rebuild_that_stops_at_the_dead_shard_opens_no_other_campaign(
    sharded: Settings, campaigns: tuple[str, str], dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, other = campaigns
    close_campaign(sharded, other)
    monkeypatch.setattr(rebuild, "Attempts", stops_at_the_first)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            rebuild_handler({}, None)
    assert [apply(name, "42").status for name in (other, dead)] == [503, 503]


def test_control_a_relay_that_stops_at_the_dead_shard_sends_nothing_of_another_campaign(
    sharded: Settings, campaigns: tuple[str, str], dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dead == campaigns[0]
    strand(sharded, campaigns[1])
    monkeypatch.setattr(relay, "Attempts", stops_at_the_first)
    with pytest.raises(UnavailableError):
        relay_handler({}, None)
    assert "stranded" not in users_in_topic(campaigns[1])


def test_all_campaigns_open_again_after_every_shard_has_restarted(
    sharded: Settings, campaigns: tuple[str, str]
) -> None:
    for name in campaigns:
        mark_as_restarted(sharded, name)
        assert apply(name, "42").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": sorted(campaigns)}
    for name in campaigns:
        assert apply(name, "42").status == 202


def test_a_campaign_cannot_be_created_while_the_cluster_is_out_of_reach(
    sharded: Settings, campaign_id: str
) -> None:
    body = campaign_body(campaign_id)
    cut_off_redis(sharded)
    created = ask("POST /campaigns", user="admin", scope=ADMIN, body=body)
    assert (created.status, created.code) == (503, "UNAVAILABLE")
    wiring.reset()
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "42").status == 202


def give_up_a_move(source: Valkey, target: Valkey, keys: CampaignKeys) -> None:
    """Move a slot key by key as far as its state, lose that, and leave the slot where it was."""
    slot = key_slot(keys.campaign.encode())
    ids = [ask_node(node, "CLUSTER", "MYID").decode() for node in (source, target)]
    ask_node(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
    ask_node(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
    state = keys.applied_user, keys.coupon_count, keys.pending
    ask_node(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 1000, "KEYS", *state)
    ask_node(target, "FLUSHALL")
    for node in (source, target):
        ask_node(node, "CLUSTER", "SETSLOT", slot, "STABLE")


def test_a_campaign_that_lost_its_keys_in_a_move_that_was_given_up_is_rebuilt(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    first, second = campaigns
    give_up_a_move(shard_of(cluster, first), shard_of(cluster, second), CampaignKeys.of(first))
    assert apply(first, "42").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": sorted(campaigns)}
    assert apply(first, "42").body["serial"] == 2
    assert apply(first, "winner").body["serial"] == 1
