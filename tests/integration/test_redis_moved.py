"""The address of Redis moves to another server, while the one before still responds."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from handlers.adapters.redis import own_connection
from handlers.adapters.redis.admissions import CONFIRM, Admissions
from handlers.adapters.redis.campaigns import RedisCampaigns
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.adapters.redis.own_connection import OwnConnection
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.adapters.redis.scripts import Scripts
from handlers.config import Settings
from handlers.domain.admission import Outcome
from handlers.domain.campaign import Campaign
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import StaleStateError, UnavailableError
from local.servers.ports import HOST
from local.servers.valkey_group import ask
from tests.support.reopened import reopen
from tests.support.single import admit_one
from tests.support.waiting import eventually
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers import ValkeyGroup
    from tests.faults.engine.links import Link

pytestmark = pytest.mark.servers
FENCES = count(1)
CAMPAIGN = Campaign("welcome", "Welcome", 100, 0, 2**42)


@pytest.fixture
def scripts(address: Link) -> Iterator[Scripts]:
    with closing(scripts_on(address)) as made:
        yield made


def scripts_on(address: Link) -> Scripts:
    url = f"redis://{HOST}:{address.port}/0"
    settings = Settings.from_environment(ENVIRONMENT | {"REDIS_URL": url})
    return Scripts(lambda: connect(settings), epoch=True)


def rebuild(scripts: Scripts) -> None:
    reopen(scripts, CAMPAIGN, next(FENCES))


def move(group: ValkeyGroup, address: Link) -> None:
    """Promote the replica and let the address lead to it; connections stay where they are."""
    [replica] = group.replicas
    group.promote(replica)
    address.target = replica.port


def outcome(scripts: Scripts, user: str) -> Outcome | None:
    """Return None where the applicant would get 503."""
    try:
        decided = admit_one(Admissions(scripts), CAMPAIGN.id, user).outcome
    except UnavailableError:
        return None
    return None if decided is Outcome.STALE else decided


@pytest.fixture
def moved(group: ValkeyGroup, address: Link, scripts: Scripts) -> Scripts:
    """A client whose connection leads to a primary that was demoted after the campaign's opening.

    The new primary has been rebuilt.
    """
    rebuild(scripts)
    assert outcome(scripts, "1") is Outcome.ACCEPTED
    move(group, address)
    with closing(scripts_on(address)) as another:
        rebuild(another)
    return scripts


def test_an_applicant_gets_the_new_primarys_decision_at_once(moved: Scripts) -> None:
    assert outcome(moved, "1") is Outcome.ALREADY_APPLIED
    assert outcome(moved, "2") is Outcome.ACCEPTED
    assert RedisCampaigns(moved).status(CAMPAIGN.id).admitted == 2


def test_control_without_leaving_it_the_client_stays_with_the_demoted_primary(
    moved: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OwnConnection, "leave", lambda _: False)
    assert [outcome(moved, "2") for _ in range(3)] == [None] * 3


def test_a_plain_write_is_repeated_on_the_new_primary(moved: Scripts) -> None:
    assert moved.command("SADD", "a set", "x") == 1


def test_a_primary_cut_off_from_its_replicas_is_left_as_well(
    group: ValkeyGroup, address: Link, scripts: Scripts
) -> None:
    ask(group.primary, "CONFIG", "SET", "min-replicas-to-write", 1)
    rebuild(scripts)
    cut_off, [replica] = group.primary, group.replicas
    group.promote(replica, demote=False)
    eventually(lambda: b"connected_slaves:0" in ask(cut_off, "INFO", "replication"), "the cut")
    assert outcome(scripts, "1") is None
    address.target = replica.port
    with closing(scripts_on(address)) as another:
        rebuild(another)
    eventually(lambda: outcome(scripts, "1") is Outcome.ACCEPTED, "an admission")


@pytest.fixture
def cut_off(group: ValkeyGroup, address: Link, scripts: Scripts) -> Scripts:
    """A client whose connection leads to a primary that has lost its replica to another address."""
    ask(group.primary, "CONFIG", "SET", "min-replicas-to-write", 1)
    rebuild(scripts)
    before, [replica] = group.primary, group.replicas
    group.promote(replica, demote=False)
    eventually(lambda: b"connected_slaves:0" in ask(before, "INFO", "replication"), "the cut")
    address.target = replica.port
    return scripts


def test_a_primary_that_is_cut_off_confirms_no_admission(
    cut_off: Scripts, group: ValkeyGroup
) -> None:
    [before] = group.replicas
    key = CampaignKeys.of(CAMPAIGN.id).campaign
    fence = int(ask(before, "HGET", key, "fence"))
    admitted = CouponAccepted(CAMPAIGN.id, "1", 1, 0, fence)
    assert Admissions(cut_off).confirm_all([admitted]) == [False]
    with pytest.raises(ResponseError, match="NOREPLICAS"):
        ask(before, "EVAL", CONFIRM.source, 1, key, "1", fence)


def test_a_rebuild_finds_the_new_primary_although_the_old_one_responds(cut_off: Scripts) -> None:
    assert RedisCampaigns(cut_off).status(CAMPAIGN.id)  # the control: only reading leaves it there
    RedisRebuild(cut_off).require_primary(CAMPAIGN.id)
    with pytest.raises(StaleStateError):
        RedisCampaigns(cut_off).status(CAMPAIGN.id)


@pytest.mark.parametrize(
    ("leave_every_s", "is_storm"), [(3600.0, False), (0.0, True)], ids=["", "control"]
)
def test_while_a_rebuild_is_due_connections_are_not_replaced_all_the_time(
    group: ValkeyGroup,
    scripts: Scripts,
    monkeypatch: pytest.MonkeyPatch,
    leave_every_s: float,
    is_storm: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    rebuild(scripts)
    monkeypatch.setattr(own_connection, "LEAVE_EVERY_S", leave_every_s)
    ask(group.primary, "HSET", "coupon:{welcome}:campaign", "epoch", "another-run")
    before = connects(group)
    for _ in range(20):
        with pytest.raises(StaleStateError):
            RedisCampaigns(scripts).status(CAMPAIGN.id)
    # Without a storm: once, and the one that asks for the number.
    assert (connects(group) - before > 2) == is_storm


def connects(group: ValkeyGroup) -> int:
    line = next(
        line
        for line in ask(group.primary, "INFO", "stats").decode().splitlines()
        if line.startswith("total_connections_received:")
    )
    return int(line.partition(":")[2])
