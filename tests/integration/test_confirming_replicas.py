"""An admission is confirmed only when replicas have taken a write, where that is set."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis import admissions as module
from handlers.adapters.redis import own_connection
from handlers.adapters.redis.admissions import CONFIRM, Admissions
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.scripts import Scripts
from handlers.config import Settings
from handlers.domain.campaign import Campaign
from handlers.domain.coupon import CouponAccepted
from local.servers.ports import HOST
from local.servers.valkey_group import ask
from tests.support.reopened import reopen
from tests.support.single import admit_one
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers import ValkeyGroup

pytestmark = pytest.mark.servers
CAMPAIGN = Campaign("welcome", "Welcome", 10, 0, 2**42)
BATCHES = 20


@contextmanager
def admissions(group: ValkeyGroup, confirming: int) -> Iterator[Admissions]:
    settings = Settings.from_environment(ENVIRONMENT)
    settings = replace(settings, redis_url=f"redis://{HOST}:{group.primary.port}/0")
    made = Scripts(lambda: connect(settings), epoch=True, confirming_replicas=confirming)
    with closing(made) as scripts:
        reopen(scripts, CAMPAIGN, 1)
        scripts.command("EVAL", CONFIRM.source, 1, "{any}", "", "0", "")  # Redis has the text
        yield Admissions(scripts)


def admitted(by: Admissions, user_id: str) -> CouponAccepted:
    one = admit_one(by, CAMPAIGN.id, user_id)
    return CouponAccepted(CAMPAIGN.id, user_id, one.serial, one.admitted_at_ms, one.fence)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a replica that follows may need longer than an applicant waits for it."""
    monkeypatch.setattr(module, "WAIT_MS_MAX", 10_000)


@pytest.mark.usefixtures("patient")
def test_a_replica_that_follows_confirms(group: ValkeyGroup) -> None:
    with admissions(group, 1) as ours:
        assert ours.confirm_all([admitted(ours, "a")]) == [True]


@pytest.mark.parametrize(("confirming", "is_confirmed"), [(1, False), (0, True)])
def test_a_former_primary_confirms_only_where_no_replica_is_asked(
    group: ValkeyGroup, confirming: int, *, is_confirmed: bool
) -> None:
    with admissions(group, confirming) as ours:
        assert ours.confirm_all([admitted(ours, "a")]) == [True]
        group.promote(group.replicas[0], demote=False)
        assert ours.confirm_all([admitted(ours, "b")]) == [is_confirmed]


def test_a_frozen_replica_delays_one_batch_and_not_the_next_ones(
    group: ValkeyGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_connection, "WAIT_AGAIN_S", 3600.0)
    with admissions(group, 1) as ours:
        one, before = admitted(ours, "a"), waits(group)
        group.replicas[0].freeze()
        try:
            confirmed = [ours.confirm_all([one]) for _ in range(BATCHES)]
        finally:
            group.replicas[0].resume()
        assert confirmed == [[False]] * BATCHES
        assert waits(group) - before == 1


def waits(group: ValkeyGroup) -> int:
    """Return how often the primary was asked to wait for its replicas."""
    found = re.search(rb"cmdstat_wait:calls=(\d+)", ask(group.primary, "INFO", "commandstats"))
    return int(found[1]) if found else 0
