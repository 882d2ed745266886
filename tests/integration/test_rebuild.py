"""The rebuild: what Redis forgot comes back from MySQL and Kafka, and nothing is given twice."""

from __future__ import annotations

import contextlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from handlers import rebuild, wiring
from handlers.adapters.migration.patience import Patience
from handlers.adapters.migration.topic import ensure_topic
from handlers.adapters.redis_client import connect
from handlers.adapters.redis_keys import CampaignKeys
from handlers.adapters.restoration import Restoration
from handlers.config import Settings
from handlers.consume import consume_handler
from handlers.domain.campaign import Campaign
from handlers.domain.errors import StaleStateError, UnavailableError
from handlers.rebuild import rebuild_handler
from handlers.relay import relay_handler
from local.servers.ports import free_port
from tests.conftest import say
from tests.support import (
    apply,
    ask,
    await_condition,
    coupons,
    create_campaign,
    kafka_event,
    message,
    redis_dump,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.adapters.restoration import Rebuild

ACK_TIMEOUT_MS = 500
WAIT_S = 30.0


@pytest.fixture
def lossy(clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The service with a topic of its own and a short time for acks, hence for the wait."""
    monkeypatch.setenv("COUPON_TOPIC", f"coupon_{uuid.uuid4().hex[:12]}")
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", str(ACK_TIMEOUT_MS))
    monkeypatch.setattr(rebuild, "IN_FLIGHT_MARGIN_MS", 0)
    settings = Settings.from_environment()
    ensure_topic(settings, Patience(WAIT_S, say))
    wiring.reset()
    warm_up()
    yield settings
    wiring.reset()


def warm_up() -> None:
    """Build the producer, which takes longer than these tests give an ack."""
    warm = message("warm-up", "nobody", 1)
    publish = wiring.publisher().publish
    await_condition(lambda: publish(warm, "", time.monotonic() + WAIT_S), "an ack from Kafka")


def flush(settings: Settings) -> None:
    with closing(connect(settings)) as redis:
        redis.flushall()


def mark_as_restarted(settings: Settings, campaign_id: str) -> None:
    """Leave everything as another run of Redis would have left it."""
    with closing(connect(settings)) as redis:
        redis.set("coupon:epoch", "f" * 40)
        redis.hset(f"coupon:{{{campaign_id}}}:campaign", "epoch", "f" * 40)


def test_nothing_is_touched_when_nothing_was_lost(lossy: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    apply(campaign_id, "42")
    before = redis_dump(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == before


def test_calls_that_are_counted_are_neither_touched_nor_needed(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert [apply(campaign_id, "42").status for _ in range(2)] == [202, 200]
    rate = CampaignKeys.of(campaign_id).rate
    with closing(connect(lossy)) as redis:
        counted: Any = redis.hgetall(rate)
        mark_as_restarted(lossy, campaign_id)
        assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
        assert redis.hgetall(rate) == counted != {}
        assert redis.ttl(rate) > 0
    flush(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "42").code == "ALREADY_APPLIED"


def test_a_campaign_in_the_middle_of_its_creation_is_left_to_its_creator(
    lossy: Settings, campaign_id: str
) -> None:
    campaign = Campaign(campaign_id, "welcome", 5, 0, 2**42)
    assert wiring.coupon_queries().create_campaign(campaign) == (campaign, True)
    before = redis_dump(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == before
    wiring.campaign_states().open(campaign, created=True)
    assert apply(campaign_id, "42").body["serial"] == 1


def test_a_campaign_whose_creation_was_cut_short_long_ago_is_opened(
    lossy: Settings, campaign_id: str
) -> None:
    wiring.coupon_queries().create_campaign(Campaign(campaign_id, "welcome", 5, 0, 2**42))
    rows(lossy, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "42").body["serial"] == 1


def test_after_a_flush_winners_come_back_from_mysql_and_from_the_unread_topic(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    told = {user: apply(campaign_id, user).body["serial"] for user in ("a", "b", "c")}
    consume_handler(kafka_event([message(campaign_id, "a", told["a"])]), None)
    flush(lossy)
    assert apply(campaign_id, "d").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    for user, serial in told.items():
        again = apply(campaign_id, user)
        assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", serial)
    assert [apply(campaign_id, user).code for user in "def"] == ["ACCEPTED", "ACCEPTED", "SOLD_OUT"]
    assert ask("GET /campaigns").body["campaigns"][0]["id"] == campaign_id


def test_what_redis_still_holds_after_a_restart_stays_and_what_it_forgot_comes_back(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    for user in ("a", "b", "c"):
        apply(campaign_id, user)
    keys = f"coupon:{{{campaign_id}}}:"
    with closing(connect(lossy)) as redis:
        # As a copy of a second ago: c was not there yet.
        redis.zrem(keys + "applied_user", "c")
        redis.zrem(keys + "pending", "c")
        redis.set(keys + "coupon_count", 2)
    mark_as_restarted(lossy, campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert [apply(campaign_id, user).body["serial"] for user in "abcd"] == [1, 2, 3, 4]
    with closing(connect(lossy)) as redis:
        assert redis.zcard(keys + "pending") == 4


def test_a_serial_that_was_forgotten_before_anybody_was_told_is_given_to_the_next(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    consume_handler(kafka_event([message(campaign_id, "third", 3)]), None)
    mark_as_restarted(lossy, campaign_id)
    rebuild_handler({}, None)
    answers = [apply(campaign_id, user) for user in ("a", "b", "c", "third")]
    assert [a.body.get("serial") for a in answers] == [1, 2, None, 3]
    assert answers[2].code == "SOLD_OUT"


def test_forged_records_in_the_topic_do_not_raise_the_count(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    publisher = wiring.publisher()
    for forged in (message(campaign_id, "above", 4), message(campaign_id, "zero", 0)):
        assert publisher.publish(forged, "", time.monotonic() + WAIT_S)
    flush(lossy)
    rebuild_handler({}, None)
    assert apply(campaign_id, "a").body["serial"] == 1
    assert ask("GET /campaigns/{id}", campaign_id).body["remaining"] == 2


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
            crash.setattr(Restoration, step, _killed)
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


def test_a_restart_in_the_middle_of_a_rebuild_opens_nothing(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    flush(lossy)
    begin = Restoration.begin

    def on_another_run(self: Restoration, name: str) -> Rebuild:
        begun = begin(self, name)
        assert begun
        return replace(begun, run_id="e" * 40)

    monkeypatch.setattr(Restoration, "begin", on_another_run)
    with pytest.raises(StaleStateError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "a").status == 503


def test_a_campaign_that_somebody_else_opens_meanwhile_is_not_touched(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    flush(lossy)
    begin = Restoration.begin
    dumps: list[Any] = []

    def after_another_rebuild(self: Restoration, name: str) -> Rebuild | None:
        if not dumps:
            dumps.append(None)
            with monkeypatch.context() as alone:
                alone.setattr(rebuild, "_needed", lambda: True)
                alone.setattr(wiring.database(), "alone", lambda _: contextlib.nullcontext(1))
                assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
            assert wiring.admissions().admit(campaign_id, "a").serial == 1
            dumps[0] = redis_dump(lossy)
        return begin(self, name)

    monkeypatch.setattr(Restoration, "begin", after_another_rebuild)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == dumps[0]


@pytest.mark.parametrize("step", ["restore", "release_gaps", "reopen", "renew_epoch"])
def test_a_flush_in_the_middle_of_a_rebuild_opens_nothing(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    create_campaign(campaign_id)
    apply(campaign_id, "a")
    flush(lossy)
    real = getattr(Restoration, step)

    def after_another_flush(*args: Any, **options: Any) -> Any:
        flush(lossy)
        monkeypatch.setattr(Restoration, step, real)
        return real(*args, **options)

    monkeypatch.setattr(Restoration, step, after_another_flush)
    with contextlib.suppress(StaleStateError):
        rebuild_handler({}, None)
    assert apply(campaign_id, "b").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert [apply(campaign_id, user).body["serial"] for user in "ab"] == [1, 2]


def test_somebody_whose_record_waits_in_failed_event_is_not_forgotten(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, "owner", 1)]), None)
    apply(campaign_id, "waiting")
    # As if it had been refused: its record is in failed_event, its offset committed.
    rows(
        lossy,
        "INSERT INTO failed_event (campaign_id, user_id, topic, partition_no, offset_no, payload,"
        " reason, detail, status) VALUES (%s, 'waiting', 'coupon_create', 0, 9, %s,"
        " 'SERIAL_TAKEN', 'for a test', 'DEAD')",
        campaign_id,
        message(campaign_id, "waiting", 4).encode(),
    )
    flush(lossy)
    with_nothing_unread = wiring.topic()
    with_nothing_unread.unconsumed = lambda: iter(())  # type: ignore[method-assign]
    rebuild_handler({}, None)
    assert apply(campaign_id, "waiting").body["serial"] == 4
    assert rows(lossy, "SELECT status, attempts FROM failed_event") == [("PENDING", 0)]
    with closing(connect(lossy)) as redis:
        assert redis.zcard(f"coupon:{{{campaign_id}}}:pending") == 0


def test_what_the_topic_holds_outweighs_what_redis_alone_remembers(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert apply(campaign_id, "told").body["serial"] == 1
    keys = f"coupon:{{{campaign_id}}}:"
    with closing(connect(lossy)) as redis:
        # As a copy from before, in which another one had the serial and was never told.
        redis.delete(keys + "applied_user", keys + "pending")
        redis.zadd(keys + "applied_user", {"never-told": 1})
        redis.zadd(keys + "pending", {"never-told": 1})
    mark_as_restarted(lossy, campaign_id)
    rebuild_handler({}, None)
    assert apply(campaign_id, "told").body["serial"] == 1
    assert apply(campaign_id, "never-told").body["serial"] == 2


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


def test_without_the_wait_an_apply_in_flight_loses_its_serial_to_another(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the wait: what it keeps apart happens without it."""
    create_campaign(campaign_id, quantity=5)
    in_flight = wiring.admissions().admit(campaign_id, "slow")
    flush(lossy)
    monkeypatch.setattr("handlers.rebuild.time.sleep", lambda _: None)
    rebuild_handler({}, None)
    assert wiring.publisher().publish(
        message(campaign_id, "slow", in_flight.serial), "", time.monotonic() + WAIT_S
    )
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial


def test_with_the_wait_an_apply_in_flight_keeps_its_serial(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    in_flight = wiring.admissions().admit(campaign_id, "slow")
    flush(lossy)

    def other_side(seconds: float) -> None:
        assert seconds == ACK_TIMEOUT_MS / 1000
        late = message(campaign_id, "slow", in_flight.serial)
        assert wiring.publisher().publish(late, "", time.monotonic() + WAIT_S)

    monkeypatch.setattr("handlers.rebuild.time.sleep", other_side)
    rebuild_handler({}, None)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial + 1
    assert apply(campaign_id, "slow").code == "ALREADY_APPLIED"


def test_admissions_that_only_redis_knew_are_sent_by_the_relay_after_the_rebuild(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert wiring.admissions().admit(campaign_id, "killed").serial == 1
    mark_as_restarted(lossy, campaign_id)
    monkeypatch.setenv("PENDING_RESEND_AFTER_S", "1")
    wiring.reset()
    rebuild_handler({}, None)
    with closing(connect(lossy)) as redis:
        redis.zincrby(f"coupon:{{{campaign_id}}}:pending", -5000, "killed")
    warm_up()
    assert relay_handler({}, None) == {"sent": 1}
    consume_handler(kafka_event([message(campaign_id, "killed", 1)]), None)
    assert coupons(lossy, campaign_id) == [("killed", 1)]
