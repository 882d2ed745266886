"""Admission's edges: the window, a flushed script cache, other runs of Redis, dead connections."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.redis import admissions as admission
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.campaigns import RedisCampaigns
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import epoch_key
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.adapters.redis.scripts import Script, Scripts
from handlers.domain.admission import Admission, Outcome
from handlers.domain.campaign import Campaign
from handlers.domain.errors import StaleStateError
from tests.support.service import apply, ask, create_campaign, redis_dump
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers import Valkey

OPENS_MS = 1_763_780_400_000
CLOSES_MS = OPENS_MS + 1000
CLOCK = "redis.call('TIME')"


@pytest.fixture
def at(clean: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A function that admits a user at a given millisecond of Redis's clock."""
    scripts = Scripts(lambda: connect(clean), epoch=True, is_cluster=clean.redis_cluster)
    RedisCampaigns(scripts).open(
        Campaign("window", "Window", 100, OPENS_MS, CLOSES_MS), created=True
    )
    source = admission.ADMIT.source
    assert source.count(CLOCK) == 1

    def admit(time_ms: int, user: str) -> Admission:
        script = Script("admission/admit")
        microseconds = time_ms % 1000 * 1000 + 999
        script.source = source.replace(CLOCK, f"{{{time_ms // 1000}, {microseconds}}}")
        script.digest = "0" * 40  # never cached: the text is sent
        monkeypatch.setattr(admission, "ADMIT", script)
        return admit_one(Admissions(scripts), "window", user)

    yield admit
    scripts.close()


def test_the_window_opens_and_closes_to_the_millisecond(at: object) -> None:
    assert callable(at)
    assert at(OPENS_MS - 1, "early") == Admission(Outcome.NOT_OPEN, retry_in_ms=1)
    assert at(OPENS_MS, "first") == Admission(Outcome.ACCEPTED, 1, OPENS_MS, fence=1)
    assert at(CLOSES_MS - 1, "last") == Admission(Outcome.ACCEPTED, 2, CLOSES_MS - 1, fence=1)
    assert at(CLOSES_MS, "late") == Admission(Outcome.CLOSED)
    assert at(CLOSES_MS, "first") == Admission(Outcome.ALREADY_APPLIED, 1, OPENS_MS, fence=1)


def test_not_open_gives_the_seconds_to_wait_rounded_up(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, opens_in_s=90.5)
    response = apply(campaign_id, "early")
    assert (response.status, response.code) == (409, "NOT_OPEN")
    assert 85 <= int(response.headers["Retry-After"]) <= 91


def test_a_refused_apply_changes_nothing_in_redis(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=1)
    create_campaign(f"{campaign_id}-early", opens_in_s=60)
    create_campaign(f"{campaign_id}-over", opens_in_s=-60, open_for_s=30)
    apply(campaign_id, "winner")
    before = redis_dump(service)
    codes = [
        apply(campaign_id, "late").code,
        apply(campaign_id, "winner").code,
        apply(f"{campaign_id}-early", "early").code,
        apply(f"{campaign_id}-over", "late").code,
        apply(f"{campaign_id}-none", "lost").code,
    ]
    assert codes == ["SOLD_OUT", "ALREADY_APPLIED", "NOT_OPEN", "CLOSED", "CAMPAIGN_NOT_FOUND"]
    assert redis_dump(service) == before


def test_a_flushed_script_cache_costs_a_round_trip_and_nothing_else(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    with closing(connect(service)) as redis:
        redis.script_flush()
        assert apply(campaign_id, "first").body["serial"] == 1
        redis.script_flush()
    assert apply(campaign_id, "second").body["serial"] == 2


def test_a_dead_connection_is_replaced_and_the_apply_succeeds(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert apply(campaign_id, "first").status == 202
    with closing(connect(service)) as redis:
        redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert apply(campaign_id, "second").body["serial"] == 2


def test_redis_without_its_epoch_gives_503_instead_of_404(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert apply("unknown", "someone").status == 404
    with closing(connect(service)) as redis:
        redis.delete(epoch_key(is_cluster=service.redis_cluster))
    response = apply("unknown", "someone")
    assert (response.status, response.code) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == "1"
    assert ask("GET /campaigns").status == 503
    assert ask("GET /ready").body["redis"] == "stale"


def test_a_campaign_of_another_run_of_redis_is_stale(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    with closing(connect(service)) as redis:
        redis.hset(f"coupon:{{{campaign_id}}}:campaign", "epoch", "f" * 40)
    before = redis_dump(service)
    assert apply(campaign_id, "someone").status == 503
    assert ask("GET /campaigns/{id}", campaign_id).status == 503
    assert redis_dump(service) == before


def test_a_command_packed_for_one_run_of_redis_never_reaches_the_next(
    settings: Settings, private_valkey: Valkey
) -> None:
    """The connection that was open before the restart must not carry the old history over."""
    private = dataclasses.replace(settings, redis_url=private_valkey.url, redis_cluster=False)
    scripts = Scripts(lambda: connect(private), epoch=True)
    states, admissions = RedisCampaigns(scripts), Admissions(scripts)
    RedisRebuild(scripts).renew_epoch(RedisRebuild(scripts).begin_epoch(), [])
    states.open(Campaign("welcome", "Welcome", 10, 0, 2**42), created=True)
    assert admit_one(admissions, "welcome", "first").outcome is Outcome.ACCEPTED
    private_valkey.kill()
    private_valkey.start()
    assert admit_one(admissions, "welcome", "second").outcome is Outcome.STALE
    assert admit_one(admissions, "unknown", "second").outcome is Outcome.STALE
    with pytest.raises(StaleStateError):
        states.open(Campaign("later", "Later", 10, 0, 2**42), created=True)
    scripts.close()


def test_without_the_epoch_check_a_restarted_redis_would_go_on_giving_serials(
    settings: Settings, private_valkey: Valkey
) -> None:
    """The negative control of the epoch: REDIS_EPOCH=off does not see the restart."""
    private = dataclasses.replace(settings, redis_url=private_valkey.url, redis_cluster=False)
    scripts = Scripts(lambda: connect(private), epoch=False)
    states, admissions = RedisCampaigns(scripts), Admissions(scripts)
    RedisRebuild(scripts).renew_epoch(RedisRebuild(scripts).begin_epoch(), [])
    states.open(Campaign("welcome", "Welcome", 10, 0, 2**42), created=True)
    assert admit_one(admissions, "welcome", "first").outcome is Outcome.ACCEPTED
    private_valkey.restart()
    assert admit_one(admissions, "welcome", "second").outcome is Outcome.ACCEPTED
    scripts.close()
