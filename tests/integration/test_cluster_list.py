"""A cluster of which the shard is out of reach that has the list of campaigns, and its epoch."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from handlers import rebuild, wiring
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.keys import CAMPAIGNS
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.domain.attempts import LIST
from handlers.domain.errors import UnavailableError
from handlers.rebuild import rebuild_handler
from handlers.relay import relay_handler
from local.servers.valkey_group import ask as ask_node
from tests.support.service import ADMIN, apply, ask, campaign_body
from tests.support.shards import (
    close_campaign,
    shard_of,
    silent_shard,
    strand,
    users_in_topic,
    without_shard,
)
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from handlers.config import Settings
    from local.servers import ValkeyCluster

pytestmark = pytest.mark.servers


@pytest.fixture
def no_list(cluster: ValkeyCluster, campaigns: tuple[str, str]) -> Iterator[None]:
    """The shard of the list is gone, with its replica; those of the campaigns are there."""
    assert campaigns
    with without_shard(cluster, CAMPAIGNS):
        yield


def rebuild_without_failure() -> bool:
    with suppress(UnavailableError):
        rebuild_handler({}, None)
        return True
    return False


def test_the_rebuild_opens_campaigns_without_their_list_and_completes_it_when_it_is_back(
    cluster: ValkeyCluster, sharded: Settings, campaigns: tuple[str, str]
) -> None:
    closed, other = campaigns
    with without_shard(cluster, CAMPAIGNS):
        close_campaign(sharded, closed)
        with pytest.raises(UnavailableError, match=f"not opened: {LIST}$"):
            rebuild_handler({}, None)
        assert [apply(name, "42").status for name in (closed, other)] == [202, 202]
        # It says so each time, and there is nothing to rebuild.
        with pytest.raises(UnavailableError, match=f"not known to be open: {LIST}$"):
            rebuild_handler({}, None)
    eventually(rebuild_without_failure, "a rebuild of the list")
    assert wiring.redis_campaigns().ids() == sorted(campaigns)


@pytest.mark.usefixtures("no_list")
def test_a_campaign_that_its_shard_has_lost_is_rebuilt_without_the_list(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    lost, _ = campaigns
    ask_node(shard_of(cluster, lost), "FLUSHALL")
    assert apply(lost, "42").status == 503
    with pytest.raises(UnavailableError, match=f"not opened: {LIST}$"):
        rebuild_handler({}, None)
    assert apply(lost, "winner").body["serial"] == 1
    assert apply(lost, "42").body["serial"] == 2


@pytest.mark.usefixtures("no_list")
def test_without_the_list_a_missing_campaign_that_is_young_may_still_be_being_created(
    cluster: ValkeyCluster, campaigns: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "CREATION_S", 3600)
    young, _ = campaigns
    ask_node(shard_of(cluster, young), "FLUSHALL")
    with pytest.raises(UnavailableError, match=f"not known to be open: {LIST}$"):
        rebuild_handler({}, None)
    assert apply(young, "42").status == 503


@pytest.fixture
def unlisted(cluster: ValkeyCluster, campaigns: tuple[str, str]) -> str:
    """A campaign that a rebuild opened while the list's shard was silent; it is back since."""
    name = next(
        made
        for made in (f"{campaigns[0]}-new-{number}" for number in range(100))
        if shard_of(cluster, made) is shard_of(cluster, campaigns[0])
    )
    with silent_shard(cluster, CAMPAIGNS):
        created = ask("POST /campaigns", user="admin", scope=ADMIN, body=campaign_body(name))
        assert created.status == 503
        with pytest.raises(UnavailableError, match=f"not opened: {LIST}$"):
            rebuild_handler({}, None)
        assert apply(name, "winner").body["serial"] == 1
    # In the same history, and without the campaign.
    eventually(lambda: ask("GET /ready").status == 200, "the epoch")
    assert wiring.redis_campaigns().ids() == sorted(campaigns)
    return name


def test_a_campaign_that_was_opened_while_the_list_was_silent_is_listed_by_a_later_run(
    cluster: ValkeyCluster, campaigns: tuple[str, str], unlisted: str
) -> None:
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert wiring.redis_campaigns().ids() == sorted([*campaigns, unlisted])
    ask_node(shard_of(cluster, unlisted), "FLUSHALL")
    assert apply(unlisted, "42").status == 503


def test_control_where_no_run_compares_the_list_a_lost_campaign_looks_as_if_it_never_existed(
    cluster: ValkeyCluster, unlisted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisRebuild, "lists_all", lambda *_: wiring.scripts().epoch_is_known())
    assert rebuild_handler({}, None) == {"rebuilt": []}
    ask_node(shard_of(cluster, unlisted), "FLUSHALL")
    assert apply(unlisted, "42").status == 404


def test_a_run_that_finds_the_list_complete_does_not_write_to_it(
    campaigns: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        pytest.fail("the list was complete")

    assert campaigns
    monkeypatch.setattr(RedisRebuild, "add_to_list", refused)
    assert rebuild_handler({}, None) == {"rebuilt": []}


@pytest.mark.usefixtures("no_list")
def test_the_relay_sends_for_all_other_campaigns_without_the_list(
    sharded: Settings, campaigns: tuple[str, str]
) -> None:
    for name in campaigns:
        strand(sharded, name)
    with pytest.raises(UnavailableError, match=f"not relayed: {LIST}$"):
        relay_handler({}, None)
    assert ["stranded" in users_in_topic(name) for name in campaigns] == [True, True]


def test_the_relay_sends_for_all_campaigns_when_the_list_has_lost_them(
    cluster: ValkeyCluster, sharded: Settings, campaigns: tuple[str, str]
) -> None:
    for name in campaigns:
        strand(sharded, name)
    ask_node(cluster.owner_of(CAMPAIGNS), "FLUSHALL")
    with pytest.raises(UnavailableError, match=f"not relayed: {LIST}$"):
        relay_handler({}, None)
    assert ["stranded" in users_in_topic(name) for name in campaigns] == [True, True]


def test_a_shard_that_dies_while_the_relay_runs_does_not_stop_it_for_the_others(
    sharded: Settings, campaigns: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in campaigns:
        strand(sharded, name)
    first, other = sorted(campaigns)
    overdue = Admissions.overdue

    def dead_for_the_first(self: Admissions, campaign_id: str, *page: Any) -> Any:
        if campaign_id == first:
            raise UnavailableError
        return overdue(self, campaign_id, *page)

    monkeypatch.setattr(Admissions, "overdue", dead_for_the_first)
    with pytest.raises(UnavailableError, match=f"not relayed: {first}$"):
        relay_handler({}, None)
    assert "stranded" in users_in_topic(other)


def test_a_relay_that_kafka_takes_nothing_from_ends_at_the_first_campaign(
    sharded: Settings, campaigns: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in campaigns:
        strand(sharded, name)
    asked = []
    publisher = wiring.publisher()

    def unacknowledged(messages: list[object]) -> list[bool]:
        asked.append(messages)
        return [False] * len(messages)

    monkeypatch.setattr(publisher, "publish_all", unacknowledged)
    with pytest.raises(UnavailableError, match=f"Kafka took 0 .* {min(campaigns)}$"):
        relay_handler({}, None)
    assert len(asked) == 1
