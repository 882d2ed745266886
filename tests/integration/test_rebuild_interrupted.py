"""Rebuilds that are killed or meet another loss of Redis: nothing opens too early."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.redis.rebuild import RENEW_EPOCH, REOPEN, RedisRebuild
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.domain.settlement import SettledAs, Settlement
from handlers.rebuild import rebuild_handler
from local.servers.ports import free_port
from tests.support.mutated import change
from tests.support.rebuild_steps import once_before
from tests.support.redis_loss import flush
from tests.support.service import apply, ask, create_campaign, redis_dump
from tests.support.single import admit_one
from tests.support.state import begin_another_history

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

RENEWS_MINE_ONLY = "if epoch and epoch == being_rebuilt(ARGV[2], ARGV[1]) then"


def test_a_rebuild_that_was_killed_half_way_leaves_closed_and_the_next_one_ends_it(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    apply(campaign_id, "a")
    flush(lossy)
    for step in ("begin_epoch", "begin", "restore", "release_gaps", "reopen", "renew_epoch"):
        with monkeypatch.context() as crash:
            crash.setattr(RedisRebuild, step, _killed)
            with pytest.raises(KeyboardInterrupt):
                rebuild_handler({}, None)
        if step != "renew_epoch":
            assert apply(campaign_id, "b").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert ask("GET /ready").status == 200
    assert apply(campaign_id, "a").code == "ALREADY_APPLIED"
    assert apply(campaign_id, "b").body["serial"] == 2


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_failed_event_settles_no_admission_while_a_rebuild_has_the_campaign(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    admissions = wiring.admissions()
    fence = admit_one(admissions, campaign_id, "a").fence
    wiring.redis_rebuild().begin(campaign_id, wiring.fences().raise_fence(campaign_id))
    before = redis_dump(lossy)
    failed = Settlement(campaign_id, "a", 1, SettledAs.FAILED_EVENT, fence)
    admissions.settle([failed])
    assert redis_dump(lossy) == before
    admissions.settle([failed._replace(fence=0)])  # a record from before the fences
    assert redis_dump(lossy) != before


@pytest.mark.single_redis
def test_a_restart_in_the_middle_of_a_rebuild_opens_nothing(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    flush(lossy)
    begin = RedisRebuild.begin

    def then_a_restart(self: RedisRebuild, name: str, fence: int, erased: int) -> bool:
        begun = begin(self, name, fence, erased)
        begin_another_history(lossy)
        return begun

    monkeypatch.setattr(RedisRebuild, "begin", then_a_restart)
    with pytest.raises(StaleStateError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "a").status == 503


def apply_after_a_flush_before(
    step: str, settings: Settings, campaign_id: str, patch: pytest.MonkeyPatch
) -> Response:
    """Lose an accepted user in the middle of a rebuild; return what the next one is answered."""
    create_campaign(campaign_id)
    assert apply(campaign_id, "a").body["serial"] == 1
    flush(settings)
    once_before(patch, step, lambda: flush(settings))
    with contextlib.suppress(UnavailableError):
        rebuild_handler({}, None)
    return apply(campaign_id, "b")


@pytest.mark.parametrize("step", ["restore", "release_gaps", "reopen", "renew_epoch"])
def test_a_flush_in_the_middle_of_a_rebuild_opens_nothing(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    assert apply_after_a_flush_before(step, lossy, campaign_id, monkeypatch).status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert [apply(campaign_id, user).body["serial"] for user in "ab"] == [1, 2]


def test_control_a_rebuild_that_opens_without_comparing_gives_a_serial_twice(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, REOPEN, "return 'STALE'")
    answer = apply_after_a_flush_before("reopen", lossy, campaign_id, monkeypatch)
    assert (answer.status, answer.body["serial"]) == (202, 1)


@pytest.mark.single_redis
def test_control_one_that_renews_the_epoch_without_comparing_says_that_a_lost_campaign_never_was(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, RENEW_EPOCH, RENEWS_MINE_ONLY, "if true then")
    assert apply_after_a_flush_before("renew_epoch", lossy, campaign_id, monkeypatch).status == 404


def test_without_kafka_a_lost_redis_stays_closed(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    flush(lossy)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    wiring.reset()
    with pytest.raises(UnavailableError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "a").status == 503
