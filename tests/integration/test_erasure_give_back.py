"""A user gives a coupon back and is erased: its place is still given once, and no id comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import coupon_clients
from handlers.adapters.redis import erasures, returned_places
from handlers.domain.returned_places import PlaceReturner, Returns
from handlers.rebuild import rebuild_handler
from tests.support.drift import findings
from tests.support.erased import erase, issue, person
from tests.support.mutated import change
from tests.support.service import apply, create_campaign, rows
from tests.support.shop import events, give_back, holders, places
from tests.support.traces import in_mysql, in_redis

if TYPE_CHECKING:
    from handlers.config import Settings


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def user(campaign_id: str, service: Settings) -> str:
    """A user who has the first of two coupons."""
    assert service
    create_campaign(campaign_id, quantity=2)
    made = person()
    issue(campaign_id, made)
    return made


def give_back_in_mysql(
    campaign_id: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> list[Returns]:
    """Let the process be killed before Redis knows; return what it would have been sent."""
    seen: list[Returns] = []

    def killed(_: PlaceReturner, returns: Returns) -> None:
        seen.append(returns)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(PlaceReturner, "pass_on", killed)
        with pytest.raises(KilledError):
            give_back(campaign_id, user)
    return seen


def test_a_place_whose_return_was_interrupted_is_given_after_its_user_is_erased(
    campaign_id: str, user: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_back_in_mysql(campaign_id, user, monkeypatch)
    assert places(service, campaign_id) == (1, 0)
    assert erase(user).status == 204
    assert in_mysql(service, user) == in_redis(service, user) == []
    assert rebuild_handler({}, None) == {"rebuilt": [], "places_returned": 1}
    assert in_redis(service, user) == []
    assert holders(campaign_id) == {" 1": 1}
    place = "SELECT JSON_EXTRACT(detail, '$.place') FROM coupon_event WHERE kind = 'GIVEN_BACK'"
    assert rows(service, place) == [("1",)]
    assert [kind for kind, *_ in events(service, campaign_id)] == ["GIVEN_BACK", "ERASED"]
    # Who gave the coupon back may apply again.
    assert apply(campaign_id, user).body["serial"] == 2
    assert findings(campaign_id) == []


@pytest.mark.parametrize("is_guarded", [True, False], ids=["", "control"])
def test_a_return_that_comes_to_redis_after_the_erasure_leaves_one_holder(
    campaign_id: str, user: str, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    [returns] = give_back_in_mysql(campaign_id, user, monkeypatch)
    assert erase(user).status == 204
    if not is_guarded:
        guard = "if holder == user or string.sub(holder, 1, 7) == 'erased-' then"
        change(monkeypatch, returned_places.RETURN_PLACES, guard, "if holder == user then")
    coupon_clients.place_returner().pass_on(returns)
    assert (holders(campaign_id) == {" 1": 1}) is is_guarded


@pytest.mark.parametrize("is_guarded", [True, False], ids=["", "control"])
def test_a_return_between_the_look_of_an_erasure_and_its_step_leaves_one_holder(
    campaign_id: str, user: str, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    [returns] = give_back_in_mysql(campaign_id, user, monkeypatch)
    if not is_guarded:
        guard = "if serial > 0 and not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[i + 3]) then"
        change(monkeypatch, erasures.ERASE, guard, "if serial > 0 then")
    step = erasures.RedisErasures.erase

    def after_the_return(self: erasures.RedisErasures, *args: object) -> list[str]:
        coupon_clients.place_returner().pass_on(returns)
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(erasures.RedisErasures, "erase", after_the_return)
    assert erase(user).status == 204
    assert (holders(campaign_id) == {" 1": 1}) is is_guarded
