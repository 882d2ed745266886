"""The rate limits of apply as a client sees them, and on a Redis that takes no writes."""

from __future__ import annotations

import dataclasses
import itertools
import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.redis.admissions import Admissions
from handlers.adapters.redis.campaigns import RedisCampaigns
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.rebuild import RedisRebuild
from handlers.adapters.redis.scripts import Scripts
from handlers.domain.admission import Outcome, RateLimits
from handlers.domain.campaign import Campaign
from handlers.domain.errors import UnavailableError
from tests.support.gateway import ask
from tests.support.programs import running
from tests.support.service import Response, apply, create_campaign, mint, redis_dump
from tests.support.single import admit_one
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings
    from local.servers import Valkey

ADDRESS = "203.0.113.7"


def test_a_client_that_asks_too_often_gets_429_for_the_second_and_keeps_the_serial(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLY_RATE_PER_S", "1")
    wiring.reset()
    create_campaign(campaign_id)
    assert apply(campaign_id, "eager").status == 202
    before = redis_dump(service)
    responses: list[Response] = []

    def is_limited() -> bool:
        responses.append(apply(campaign_id, "eager"))
        return responses[-1].status == 429

    # Sooner or later two calls lie in one second, however slow this machine is.
    eventually(is_limited, "a call too many")
    limited = responses[-1]
    assert limited.code == "TOO_MANY_REQUESTS"
    assert limited.headers["Content-Type"] == "application/problem+json"
    assert limited.headers["Retry-After"] == "1"
    eventually(lambda: apply(campaign_id, "eager").status == 200, "the next second")
    assert redis_dump(service) == before


@pytest.mark.usefixtures("service")
def test_behind_a_proxy_the_limit_is_for_the_address_that_the_proxy_names(
    campaign_id: str,
) -> None:
    create_campaign(campaign_id, 1000)
    limited = {**os.environ, "APPLY_RATE_PER_ADDRESS_PER_S": "1"}
    numbers = itertools.count()

    def status(address: str) -> int:
        number = next(numbers)
        headers = {
            "Authorization": f"Bearer {mint(f'user-{number}')}",
            # What the client itself writes does not count.
            "X-Forwarded-For": f"198.51.100.{number % 256}, {address}",
        }
        return ask(port, "POST", f"/campaigns/{campaign_id}/apply", headers=headers)[0].status

    with running("local.serve", "--port=0", "--behind-proxy=1", environment=limited) as program:
        port = int(program.out.until(lambda line: "listening on" in line).rpartition(":")[2])
        assert {status(f"203.0.113.{last}") for last in range(20)} == {202}
        eventually(lambda: status("203.0.113.100") == 429, "an address that is limited")
        assert program.stop() == 0


@pytest.mark.parametrize("refusing", [{"min-replicas-to-write": 1}, {"maxmemory": 1}])
def test_a_redis_that_takes_no_writes_still_serves_what_needs_none(
    settings: Settings, private_valkey: Valkey, refusing: dict[str, int]
) -> None:
    private = dataclasses.replace(settings, redis_url=private_valkey.url, redis_cluster=False)
    with (
        closing(Scripts(lambda: connect(private), epoch=True)) as scripts,
        closing(connect(private)) as redis,
    ):
        RedisRebuild(scripts).renew_epoch(RedisRebuild(scripts).begin_epoch(), [])
        states, admissions = RedisCampaigns(scripts), Admissions(scripts, RateLimits(5, 5))
        states.open(Campaign("open", "Open", 10, 0, 2**42), created=True)
        states.open(Campaign("early", "Early", 10, 2**41, 2**42), created=True)
        assert admit_one(admissions, "open", "winner").outcome is Outcome.ACCEPTED
        for name, value in refusing.items():
            redis.config_set(name, value)
        for _ in range(3):  # whether that can be counted or not
            again = admit_one(admissions, "open", "winner", ADDRESS)
            assert (again.outcome, again.serial) == (Outcome.ALREADY_APPLIED, 1)
            assert admit_one(admissions, "early", "42", ADDRESS).outcome is Outcome.NOT_OPEN
        before = redis_dump(private)
        with pytest.raises(UnavailableError):
            admit_one(admissions, "open", "newcomer", ADDRESS)
        assert redis_dump(private) == before
        for name in refusing:
            redis.config_set(name, 0)
        assert admit_one(admissions, "open", "newcomer", ADDRESS).serial == 2
