"""The race for the coupons, over real sockets, counted exactly."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.consume import consume_handler
from tests.support.races import require_to_go_wrong
from tests.support.service import (
    Response,
    apply,
    at_once,
    coupons,
    create_campaign,
    kafka_event,
    message,
)

if TYPE_CHECKING:
    import pytest

    from handlers.config import Settings


def issue(campaign_id: str, responses: list[Response]) -> None:
    """Write the accepted coupons to MySQL, as the consumer gets them."""
    accepted = [a.body for a in responses if a.code == "ACCEPTED"]
    consume_handler(
        kafka_event(message(campaign_id, body["user_id"], body["serial"]) for body in accepted),
        None,
    )


def test_of_1000_users_at_once_exactly_100_get_a_coupon(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=100)
    responses = at_once([partial(apply, campaign_id, f"user-{n}") for n in range(1000)])
    assert Counter(a.code for a in responses) == {"ACCEPTED": 100, "SOLD_OUT": 900}
    issue(campaign_id, responses)
    winners = sorted((a.body["serial"], a.body["user_id"]) for a in responses if a.status == 202)
    assert [(serial, user) for user, serial in coupons(service, campaign_id)] == winners
    assert [serial for serial, _ in winners] == list(range(1, 101))


def test_the_same_user_50_times_at_once_gets_one_coupon_and_always_the_same_serial(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLY_RATE_PER_S", "0")
    wiring.reset()
    create_campaign(campaign_id, quantity=100)
    responses = at_once([partial(apply, campaign_id, "eager")] * 50, threads=50)
    assert Counter(a.code for a in responses) == {"ACCEPTED": 1, "ALREADY_APPLIED": 49}
    assert {a.body["serial"] for a in responses} == {1}
    issue(campaign_id, responses)
    assert coupons(service, campaign_id) == [("eager", 1)]


def test_two_campaigns_at_once_do_not_touch_each_other(service: Settings, campaign_id: str) -> None:
    first, second = f"{campaign_id}-a", f"{campaign_id}-b"
    create_campaign(first, quantity=30)
    create_campaign(second, quantity=50)
    calls = [partial(apply, name, f"user-{n}") for n in range(150) for name in (first, second)]
    responses = at_once(calls)
    for name, quantity in ((first, 30), (second, 50)):
        accepted = [a for a in responses if a.status == 202 and a.body["campaign_id"] == name]
        issue(name, accepted)
        assert [serial for _, serial in coupons(service, name)] == list(range(1, quantity + 1))


def test_a_winner_who_applies_again_gets_the_same_serial_after_the_last_coupon_is_gone(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    first = apply(campaign_id, "winner")
    apply(campaign_id, "second")
    assert apply(campaign_id, "late").code == "SOLD_OUT"
    again = apply(campaign_id, "winner")
    assert (again.status, again.code) == (200, "ALREADY_APPLIED")
    assert again.body["serial"] == first.body["serial"]


def test_without_the_script_the_same_race_oversells_or_gives_twice(
    settings: Settings, campaign_id: str
) -> None:
    """The negative control: the guards as single commands, on the same threads and server."""
    require_to_go_wrong(settings, campaign_id, _race_without_script)


def _race_without_script(redis: Any, key: str) -> bool:
    """Return whether there was one winner too many or one serial twice."""

    def naive(user: str) -> int:
        if redis.sismember(f"{key}:users", user) or int(redis.get(f"{key}:count") or 0) >= 10:
            return 0
        redis.sadd(f"{key}:users", user)
        return int(redis.incr(f"{key}:count"))

    users = [f"user-{n}" for n in range(30) for _ in range(2)]
    with ThreadPoolExecutor(32) as pool:
        serials = [serial for serial in pool.map(naive, users) if serial]
    redis.delete(f"{key}:users", f"{key}:count")
    return len(serials) > 10
