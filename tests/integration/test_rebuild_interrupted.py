"""Rebuilds that are killed, meet each other, or meet another restart: nothing opens too early."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pymysql import Connection

from handlers import rebuild, wiring
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.domain.settlement import SettledAs, Settlement
from handlers.rebuild import rebuild_handler
from local.servers.ports import free_port
from tests.support.redis_loss import flush
from tests.support.service import apply, ask, create_campaign, redis_dump
from tests.support.single import admit_one
from tests.support.state import begin_another_history

if TYPE_CHECKING:
    from handlers.config import Settings


def test_many_rebuilds_at_once_do_it_once_and_right(lossy: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=50)
    for n in range(20):
        apply(campaign_id, f"user-{n}")
    flush(lossy)
    with ThreadPoolExecutor(8) as pool:
        results = [f.result() for f in [pool.submit(rebuild_handler, {}, None) for _ in range(8)]]
    assert [r for r in results if r["rebuilt"]] == [{"rebuilt": [campaign_id]}]
    serials = [apply(campaign_id, f"user-{n}").body.get("serial") for n in range(60)]
    assert serials == [*range(1, 51), *[None] * 10]


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


def test_the_next_rebuild_need_not_wait_until_mysql_notices_the_end_of_a_connection(
    service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    opened: list[Connection[Any]] = []
    close = Connection.close
    # As on a busy server, which is still to end the connection of the one before.
    monkeypatch.setattr(Connection, "close", lambda self: opened.append(self))  # noqa: PLW0108 - self
    for _ in range(2):
        with wiring.database().advisory_lock("rebuild") as is_locked:
            assert is_locked
    for one in opened:
        close(one)


def test_an_older_rebuild_stores_no_end_of_the_topic_and_does_not_open_an_emptied_redis(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    older = wiring.fences().raise_fence(campaign_id)
    later = wiring.fences().raise_fence(campaign_id)
    flush(lossy)
    assert wiring.redis_rebuild().begin(campaign_id, older)
    with pytest.raises(StaleStateError):
        wiring.fences().store_offsets(campaign_id, older, "topic", {0: 7})
    assert wiring.fences().offsets(campaign_id) == []
    wiring.fences().store_offsets(campaign_id, later, "topic", {0: 7})
    [stored] = wiring.fences().offsets(campaign_id)
    assert stored.fence == later


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

    def then_a_restart(self: RedisRebuild, name: str, fence: int) -> bool:
        begun = begin(self, name, fence)
        begin_another_history(lossy)
        return begun

    monkeypatch.setattr(RedisRebuild, "begin", then_a_restart)
    with pytest.raises(StaleStateError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "a").status == 503


def test_a_campaign_that_another_process_opens_meanwhile_is_not_touched(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    flush(lossy)
    begin = RedisRebuild.begin
    dumps: list[Any] = []

    def after_another_rebuild(self: RedisRebuild, name: str, fence: int) -> bool:
        if not dumps:
            dumps.append(None)
            with monkeypatch.context() as alone:
                alone.setattr(rebuild, "_needed", lambda _: True)
                alone.setattr(
                    wiring.database(), "advisory_lock", lambda _: contextlib.nullcontext(1)
                )
                assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
            assert admit_one(wiring.admissions(), campaign_id, "a").serial == 1
            dumps[0] = redis_dump(lossy)
        return begin(self, name, fence)

    monkeypatch.setattr(RedisRebuild, "begin", after_another_rebuild)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == dumps[0]


@pytest.mark.parametrize("step", ["restore", "release_gaps", "reopen", "renew_epoch"])
def test_a_flush_in_the_middle_of_a_rebuild_opens_nothing(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    create_campaign(campaign_id)
    apply(campaign_id, "a")
    flush(lossy)
    real = getattr(RedisRebuild, step)

    def after_another_flush(*args: Any, **options: Any) -> Any:
        flush(lossy)
        monkeypatch.setattr(RedisRebuild, step, real)
        return real(*args, **options)

    monkeypatch.setattr(RedisRebuild, step, after_another_flush)
    with contextlib.suppress(UnavailableError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "b").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert [apply(campaign_id, user).body["serial"] for user in "ab"] == [1, 2]


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
