"""Several rebuilds of one campaign: one opens it, and an older one neither closes nor opens it."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pymysql import Connection

from handlers import rebuild, wiring
from handlers.adapters.mysql.fences import Fences
from handlers.adapters.redis.rebuild import BEGIN
from handlers.consume import consume_handler
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.rebuild import rebuild_handler
from tests.support.mutated import change
from tests.support.rebuild_steps import once_before
from tests.support.redis_loss import flush
from tests.support.service import apply, coupons, create_campaign, event_of_unread, redis_dump
from tests.support.single import admit_one

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response


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


def rebuild_beside(campaign_id: str) -> None:
    """Let another process rebuild a campaign while this one has the lock."""
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr(rebuild, "_needed", lambda *_: True)
        alone.setattr(wiring.database(), "advisory_lock", lambda _: contextlib.nullcontext(1))
        assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}


def rebuild_overtaken(
    settings: Settings, campaign_id: str, patch: pytest.MonkeyPatch
) -> dict[bytes, Any]:
    """Another process opens a campaign once this rebuild has raised its own fence.

    A user is admitted there. Returns what is in Redis before this rebuild goes on, and stops.
    """
    create_campaign(campaign_id)
    flush(settings)
    before: dict[bytes, Any] = {}

    def opened() -> None:
        rebuild_beside(campaign_id)
        assert admit_one(wiring.admissions(), campaign_id, "a").serial == 1
        before.update(redis_dump(settings))

    once_before(patch, "begin", opened)
    with contextlib.suppress(UnavailableError):
        assert rebuild_handler({}, None) == {"rebuilt": []}
    return before


def test_a_campaign_that_another_process_opens_meanwhile_is_not_touched(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rebuild_overtaken(lossy, campaign_id, monkeypatch) == redis_dump(lossy)
    assert apply(campaign_id, "b").body["serial"] == 2


def test_control_an_older_rebuild_that_begins_as_well_closes_it(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, BEGIN, "return 'TAKEN'")
    rebuild_overtaken(lossy, campaign_id, monkeypatch)
    assert apply(campaign_id, "b").status == 503


def apply_while_an_older_rebuild_opens(
    settings: Settings, campaign_id: str, patch: pytest.MonkeyPatch
) -> Response:
    """Apply when an older rebuild has come to its end in a Redis that has forgotten the later one.

    The older one has raised its fence, the later one has opened the campaign, Redis was emptied.
    """
    create_campaign(campaign_id)
    flush(settings)

    def opened_and_lost() -> None:
        rebuild_beside(campaign_id)
        flush(settings)

    once_before(patch, "begin", opened_and_lost)
    with pytest.raises(UnavailableError):
        rebuild_handler({}, None)
    return apply(campaign_id, "a")


def test_an_older_rebuild_does_not_open_an_emptied_redis(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apply_while_an_older_rebuild_opens(lossy, campaign_id, monkeypatch).status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "a").status == 202


def test_control_an_older_rebuild_that_goes_on_without_its_end_loses_an_accepted_user(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_offsets = Fences.store_offsets

    def anyhow(self: Fences, *args: Any) -> None:
        with contextlib.suppress(StaleStateError):
            store_offsets(self, *args)

    monkeypatch.setattr(Fences, "store_offsets", anyhow)
    answer = apply_while_an_older_rebuild_opens(lossy, campaign_id, monkeypatch)
    assert (answer.status, answer.body["serial"]) == (202, 1)
    # The topic has the record behind the end of the later rebuild: it is late for all who read it.
    flush(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    consume_handler(event_of_unread("a"), None)
    assert coupons(lossy, campaign_id) == []
    assert apply(campaign_id, "b").body["serial"] == 1
