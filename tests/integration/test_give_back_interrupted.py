"""A coupon's end is interrupted, or Redis is lost: its place is still given, and given once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from handlers import rebuild, returned_places, wiring
from handlers.adapters.mysql import returned_places as mysql_returns
from handlers.adapters.redis.returned_places import PlacesInRedis
from handlers.consume import consume_handler
from handlers.domain import stored_coupons
from handlers.domain.errors import UnavailableError
from handlers.domain.reconciliation.serial_bitset import SerialBitset
from handlers.rebuild import rebuild_handler
from tests.support.drift import findings
from tests.support.redis_loss import flush
from tests.support.service import (
    apply,
    ask,
    create_campaign,
    kafka_event,
    message,
    redis_dump,
    rows,
)
from tests.support.shop import code_of, give_back, holders, outcomes, places, revoke, win

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handlers.config import Settings
    from handlers.domain.coupon import CouponAccepted
    from handlers.edge.deadline import Deadline
    from tests.support.service import Response


class KilledError(BaseException):
    """The process ends here."""


def killed(*_: object, **__: object) -> None:
    raise KilledError


def unreachable(*_: object, **__: object) -> None:
    raise UnavailableError


def test_killed_within_the_transaction_nothing_has_happened(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "a")
    before = redis_dump(service), rows(service, "SELECT * FROM coupon")
    for step in ("_return_place", "add_event"):
        with monkeypatch.context() as patch:
            patch.setattr(mysql_returns, step, killed)
            with pytest.raises(KilledError):
                give_back(campaign_id, "a")
        assert (redis_dump(service), rows(service, "SELECT * FROM coupon")) == before
    assert places(service, campaign_id) == (0, 0)
    assert give_back(campaign_id, "a").status == 200


def revoked(code: str) -> Callable[[str], Response]:
    return lambda _: revoke(code, return_to_pool=True)


AFTER = ["the commit", "the announcement", "Redis"]


@pytest.mark.parametrize("how", ["given back", "revoked"])
@pytest.mark.parametrize("step", AFTER)
def test_killed_after_a_step_the_scheduled_rebuild_completes_it(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, step: str, how: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "a")
    code = code_of(service, campaign_id, "a")
    end = partial(give_back, user="a") if how == "given back" else revoked(code)
    with monkeypatch.context() as patch:
        if step == "the commit":
            patch.setattr(PlacesInRedis, "apply_returns", killed)
        elif step == "the announcement":
            patch.setattr("handlers.domain.returned_places.time.sleep", killed)
        else:
            patch.setattr(returned_places, "json_response", killed)
        with pytest.raises(KilledError):
            end(campaign_id)
    done = step == "Redis"
    assert places(service, campaign_id) == (1, int(done))
    assert rebuild_handler({}, None) == {"rebuilt": []} | ({} if done else {"places_returned": 1})
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert outcomes(campaign_id, "b", "c") == ["ACCEPTED", "SOLD_OUT"]
    assert outcomes(campaign_id, "a") == ["SOLD_OUT" if how == "given back" else "ALREADY_APPLIED"]
    assert places(service, campaign_id) == (1, 1)


def test_the_next_return_brings_one_along_that_was_interrupted_and_is_done_in_its_order(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=3)
    for user in "abc":
        win(campaign_id, user)
    with monkeypatch.context() as patch:
        patch.setattr(PlacesInRedis, "apply_returns", killed)
        with pytest.raises(KilledError):
            give_back(campaign_id, "b")
    assert holders(campaign_id) == {"a": 1, "b": 2, "c": 3}
    assert give_back(campaign_id, "a").status == 200
    assert places(service, campaign_id) == (2, 2)
    assert holders(campaign_id) == {" 1": 1, " 2": 2, "c": 3}
    assert outcomes(campaign_id, "d", "e", "f") == ["ACCEPTED", "ACCEPTED", "SOLD_OUT"]


@pytest.mark.parametrize("how", ["given back", "revoked"])
def test_where_redis_has_lost_the_campaign_the_end_of_a_coupon_is_answered_all_the_same(
    lossy: Settings, campaign_id: str, how: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "a")
    code = code_of(lossy, campaign_id, "a")
    flush(lossy)
    ended = give_back(campaign_id, "a") if how == "given back" else revoked(code)("a")
    assert ended.status == 200
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert places(lossy, campaign_id) == (1, 1)


def test_without_redis_the_coupon_is_given_back_and_its_place_is_returned_later(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "a")
    with monkeypatch.context() as patch:
        patch.setattr(PlacesInRedis, "apply_returns", unreachable)
        assert give_back(campaign_id, "a").status == 200
    assert places(service, campaign_id) == (1, 0)
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="a").code == "NOT_APPLIED"
    assert rebuild_handler({}, None)["places_returned"] == 1
    assert outcomes(campaign_id, "b", "c") == ["ACCEPTED", "SOLD_OUT"]


def written(campaign_id: str, user: str) -> int:
    """Let a user apply, whose record stays unread in the topic, and write the row."""
    serial = int(apply(campaign_id, user).body["serial"])
    consume_handler(kafka_event([message(campaign_id, user, serial)], serial), None)
    return serial


def lose_redis(settings: Settings, campaign_id: str) -> None:
    flush(settings)
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]


def test_a_place_is_given_once_where_redis_is_lost_before_it_heard_of_it(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    assert written(campaign_id, "a") == 1
    with monkeypatch.context() as patch:
        patch.setattr(PlacesInRedis, "apply_returns", killed)
        with pytest.raises(KilledError):
            give_back(campaign_id, "a")
    lose_redis(lossy, campaign_id)
    assert places(lossy, campaign_id) == (1, 1)
    assert holders(campaign_id) == {" 1": 1}
    assert outcomes(campaign_id, "b", "c", "a") == ["ACCEPTED", "SOLD_OUT", "SOLD_OUT"]
    lose_redis(lossy, campaign_id)
    assert outcomes(campaign_id, "b", "c", "a") == ["ALREADY_APPLIED", "SOLD_OUT", "SOLD_OUT"]
    assert holders(campaign_id) == {" 1": 1, "b": 2}
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert findings(campaign_id) == []


def test_a_coupon_that_is_given_back_while_redis_is_rebuilt_is_returned_after_it(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1)
    written(campaign_id, "a")
    issued = rebuild._issued

    def then_it_is_given_back(name: str, deadline: Deadline) -> Iterator[list[CouponAccepted]]:
        yield from issued(name, deadline)
        assert give_back(campaign_id, "a").status == 200

    monkeypatch.setattr(rebuild, "_issued", then_it_is_given_back)
    lose_redis(lossy, campaign_id)
    assert places(lossy, campaign_id) == (1, 0)
    assert outcomes(campaign_id, "b", "a") == ["SOLD_OUT", "ALREADY_APPLIED"]
    assert rebuild_handler({}, None) == {"rebuilt": [], "places_returned": 1}
    assert outcomes(campaign_id, "b", "a", "c") == ["ACCEPTED", "SOLD_OUT", "SOLD_OUT"]


def again_after_a_loss(settings: Settings, campaign_id: str) -> dict[str, int]:
    """Let a user give back and apply again, both unread in the topic; lose Redis."""
    create_campaign(campaign_id, quantity=2)
    written(campaign_id, "a")
    assert give_back(campaign_id, "a").status == 200
    assert apply(campaign_id, "a").body["serial"] == 2
    lose_redis(settings, campaign_id)
    return holders(campaign_id)


def test_who_has_applied_again_keeps_the_new_serial_where_redis_is_lost(
    lossy: Settings, campaign_id: str
) -> None:
    assert again_after_a_loss(lossy, campaign_id) == {" 1": 1, "a": 2}
    assert outcomes(campaign_id, "b", "c") == ["ACCEPTED", "SOLD_OUT"]
    assert wiring.redis_campaigns().status(campaign_id).pending == 2


def test_control_without_knowing_what_was_given_back_the_new_serial_is_lost(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_coupons, "given_back", lambda *_: SerialBitset())
    assert again_after_a_loss(lossy, campaign_id) == {" 1": 1}
