"""Failover and back, in one process: the server that forgot has the run_id that it had before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis.admissions import ADMIT, Admissions
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.scripts import Scripts
from handlers.config import Settings
from handlers.domain.admission import Outcome
from handlers.domain.campaign import Campaign
from local.servers.ports import HOST
from local.servers.valkey_group import ask
from tests.support.mutated import change
from tests.support.reopened import reopen
from tests.support.single import admit_one
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers import ValkeyGroup

pytestmark = pytest.mark.servers
CAMPAIGN = Campaign("welcome", "Welcome", 10, 0, 2**42)
# What a script compared before: the name of the process.
HISTORY = """redis.call('INFO', 'replication')
  return string.find(info, 'role:master', 1, true)
    and string.find(info, 'master_replid:'"""
PROCESS = """redis.call('INFO', 'server')
  return string.find(info, 'run_id:'"""


@pytest.fixture
def scripts(group: ValkeyGroup) -> Iterator[Scripts]:
    """A client of the first server, whose connections stay open."""
    settings = Settings.from_environment(ENVIRONMENT)
    settings = replace(settings, redis_url=f"redis://{HOST}:{group.primary.port}/0")
    with closing(Scripts(lambda: connect(settings), epoch=True)) as made:
        reopen(made, CAMPAIGN, 1)
        yield made


def accepted(scripts: Scripts, users: range) -> int:
    """Let users apply one after the other; return how many of them are admitted."""
    outcomes = [admit_one(Admissions(scripts), CAMPAIGN.id, f"user-{n}").outcome for n in users]
    assert set(outcomes) <= {Outcome.ACCEPTED, Outcome.SOLD_OUT, Outcome.STALE}
    return outcomes.count(Outcome.ACCEPTED)


def fail_over_and_back(group: ValkeyGroup, scripts: Scripts) -> int:
    """Admit users whom the replica has and users whom it lacks; return how many are admitted."""
    first, [second] = group.primary, group.replicas
    admitted = accepted(scripts, range(3))
    assert ask(first, "WAIT", 1, 10_000) == 1
    group.promote(second, demote=False)
    admitted += accepted(scripts, range(3, 7))
    group.follow(first)  # forgets them
    group.promote(first)
    return admitted


def test_a_server_that_was_demoted_and_promoted_again_admits_no_user_before_a_rebuild(
    group: ValkeyGroup, scripts: Scripts
) -> None:
    assert fail_over_and_back(group, scripts) == 7
    assert accepted(scripts, range(7, 30)) == 0


def test_control_by_the_name_of_its_process_it_gives_serials_twice(
    group: ValkeyGroup, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, ADMIT, HISTORY, PROCESS)
    server = ask(group.primary, "INFO", "server").decode()
    [run_id] = [line[7:] for line in server.splitlines() if line.startswith("run_id:")]
    ask(group.primary, "HSET", "coupon:{welcome}:campaign", "epoch", run_id)
    assert fail_over_and_back(group, scripts) == 7
    assert accepted(scripts, range(7, 30)) == CAMPAIGN.quantity - 3
