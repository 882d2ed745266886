"""`GET /campaigns` on real servers: its pages, and how often Redis is asked for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.redis.own_connection import OwnConnection
from handlers.domain import campaign_list
from handlers.domain.campaign import Campaign
from handlers.domain.campaign_list import SHOWN_AFTER_CLOSE_MS
from tests.support.redis_loss import flush
from tests.support.service import ADMIN, ask, campaign_body, create_campaign
from tests.support.shards import without_shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings
    from local.servers import ValkeyCluster

pytestmark = pytest.mark.servers
DAY_S = SHOWN_AFTER_CLOSE_MS // 1000


def page(**query: object) -> Any:
    return ask("GET /campaigns", query={name: str(value) for name, value in query.items()})


def ids(body: Any) -> list[str]:
    return [campaign["id"] for campaign in body["campaigns"]]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[OwnConnection]:
    """What is written to Redis from here on: an entry is one round trip to one server."""
    written: list[OwnConnection] = []
    send = OwnConnection.send

    def counted(self: OwnConnection, commands: Sequence[Any], wait: Any = None) -> None:
        written.append(self)
        send(self, commands, wait)

    monkeypatch.setattr(OwnConnection, "send", counted)
    return written


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_list, "RENEW_AFTER_S", 0)


def open_many(count: int) -> list[str]:
    names = [f"many-{number:04}" for number in range(count)]
    for name in names:
        wiring.redis_campaigns().open(Campaign(name, name, 5, 0, 2**42), created=True)
    return names


@pytest.mark.single_redis
@pytest.mark.usefixtures("no_memory", "service")
@pytest.mark.parametrize("count", [1, 10, 300])
def test_the_list_is_one_round_trip_whatever_the_number_of_campaigns(
    writes: list[OwnConnection], count: int
) -> None:
    names = open_many(count)
    assert ids(page(limit=1000).body) == names  # Redis gets the scripts, the process the ids
    for _ in range(3):
        writes.clear()
        assert ids(page(limit=1000).body) == names
        assert len(writes) == 1


@pytest.mark.single_redis
@pytest.mark.usefixtures("service")
def test_within_half_a_second_redis_is_not_asked_again(writes: list[OwnConnection]) -> None:
    names = open_many(20)
    wiring.campaign_list()._clock = lambda: 100.0  # no time passes
    assert ids(page().body) == names
    writes.clear()
    assert [ids(page(limit=n).body) for n in (1, 5, 20)] == [names[:1], names[:5], names]
    assert ids(page(after=names[9]).body) == names[10:]
    assert writes == []


@pytest.mark.usefixtures("no_memory")
def test_on_a_cluster_each_node_is_asked_once(
    sharded: Settings, campaigns: tuple[str, str], writes: list[OwnConnection]
) -> None:
    assert sharded.redis_cluster
    assert ids(page().body) == sorted(campaigns)
    writes.clear()
    assert ids(page().body) == sorted(campaigns)
    # Two campaigns, and the list: each on another shard.
    assert len(writes) == len(set(map(id, writes))) == 3


@pytest.mark.usefixtures("no_memory")
def test_on_a_cluster_of_which_a_shard_is_down_the_list_is_not_complete_and_says_so(
    cluster: ValkeyCluster, campaigns: tuple[str, str]
) -> None:
    assert page().status == 200
    with without_shard(cluster, f"coupon:{{{campaigns[0]}}}:campaign"):
        assert (page().status, page().code) == (503, "UNAVAILABLE")


@pytest.mark.usefixtures("no_memory", "service")
def test_pages_follow_each_other(campaign_id: str) -> None:
    names = [f"{campaign_id}-{letter}" for letter in "abcde"]
    for name in names:
        create_campaign(name)
    first = page(limit=2).body
    second = page(limit=2, after=first["next_after"]).body
    third = page(limit=2, after=second["next_after"]).body
    assert [ids(body) for body in (first, second, third)] == [names[:2], names[2:4], names[4:]]
    assert third["next_after"] is None


@pytest.mark.usefixtures("service")
def test_a_campaign_that_this_process_creates_is_listed_at_once(campaign_id: str) -> None:
    assert ids(page().body) == []
    created = ask("POST /campaigns", user="admin", scope=ADMIN, body=campaign_body(campaign_id))
    assert created.status == 201
    assert ids(page().body) == [campaign_id]


@pytest.mark.usefixtures("service")
def test_a_campaign_is_listed_for_a_day_after_its_end(campaign_id: str) -> None:
    create_campaign(f"{campaign_id}-over", opens_in_s=-DAY_S - 60, open_for_s=59)
    create_campaign(f"{campaign_id}-ended", opens_in_s=-DAY_S - 60, open_for_s=120)
    assert ids(page().body) == [f"{campaign_id}-ended"]
    # It is there still, for who knows its id.
    assert ask("GET /campaigns/{id}", f"{campaign_id}-over").body["state"] == "CLOSED"


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "1001", "-1", "x", "", "9" * 99)),
        *(("after", value) for value in ("No", "-a", "a b", "x" * 64, "é")),
    ],
)
def test_a_malformed_page_is_refused_by_name(name: str, value: str) -> None:
    answer = page(**{name: value})
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert re.match(rf"{name}: must be ", answer.body["detail"])


@pytest.mark.usefixtures("no_memory", "service")
def test_a_redis_that_lost_everything_lists_nothing_and_says_so(
    settings: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert page().status == 200
    flush(settings)
    assert (page().status, page().code) == (503, "UNAVAILABLE")
